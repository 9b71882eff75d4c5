'use strict';
// Makes the tarballs that are published, in `dist`: the package itself, without a native part, and one package for each
// platform whose native part is in this folder. `npm pack` alone makes one for this machine that needs no other.

const { execFileSync } = require('node:child_process');
const { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

const ROOT = join(__dirname, '..');
const DIST = join(ROOT, 'dist');
const manifest = require('../package.json');

const run = (command, args, cwd) => execFileSync(command, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
const pack = (folder) => run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', DIST], folder);

/** Packs a package for each platform; returns the names of all of them, packed or not. */
function packPlatforms(stage) {
  const folders = join(stage, 'npm');
  run('npx', ['napi', 'create-npm-dirs', '--npm-dir', folders], ROOT);
  const platforms = readdirSync(folders);
  for (const platform of platforms) {
    const file = `pigato.${platform}.node`;
    if (!existsSync(join(ROOT, file))) continue;
    copyFileSync(join(ROOT, file), join(folders, platform, file));
    copyFileSync(join(ROOT, 'LICENSE'), join(folders, platform, 'LICENSE'));
    pack(join(folders, platform));
  }
  return platforms.map((platform) => `pigato-${platform}`);
}

function packMain(stage, platforms) {
  const folder = join(stage, 'main');
  const files = manifest.files.filter((name) => name !== 'native' && !name.endsWith('.node'));
  for (const name of [...files, 'README.md']) cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  run(join(ROOT, '../core/scripts/stage-sources.sh'), [join(folder, 'native'), 'pigato-node']);
  const { devDependencies: _, napi: __, scripts: { install }, ...rest } = manifest;
  const published = {
    ...rest,
    files: [...files, 'native'],
    scripts: { install },
    optionalDependencies: Object.fromEntries(platforms.map((name) => [name, manifest.version])),
  };
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(published, null, 2)}\n`);
  pack(folder);
}

rmSync(DIST, { recursive: true, force: true });
mkdirSync(DIST);
const stage = mkdtempSync(join(DIST, '.stage-'));
try {
  packMain(stage, packPlatforms(stage));
} finally {
  rmSync(stage, { recursive: true, force: true });
}
