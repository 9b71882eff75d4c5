'use strict';
// Makes the tarballs to publish, in `dist` or in the folder of the first argument: the package
// without a native part, and one package for each platform whose native part is in this folder.
// `npm pack` instead makes one tarball for this machine.

const { execFileSync } = require('node:child_process');
const { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } = require('node:fs');
const { join, resolve } = require('node:path');

const ROOT = join(__dirname, '..');
const DIST = resolve(process.argv[2] ?? join(ROOT, 'dist'));
const manifest = require('../package.json');

const run = (command, args, cwd) => execFileSync(command, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
const pack = (folder) => run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', DIST], folder);

/**
 * Packs the platform packages whose native part exists; returns the names of all platform packages.
 */
function packPlatforms(stage) {
  copyFileSync(join(ROOT, 'package.json'), join(stage, 'package.json'));
  run('npx', ['napi', 'create-npm-dirs', '--cwd', stage], ROOT);
  const folders = join(stage, 'npm');
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
  const published = {
    ...manifest,
    files: [...files, 'native'],
    scripts: { install: manifest.scripts.install },
    optionalDependencies: Object.fromEntries(platforms.map((name) => [name, manifest.version])),
  };
  delete published.devDependencies;
  delete published.napi;
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(published, null, 2)}\n`);
  pack(folder);
}

rmSync(DIST, { recursive: true, force: true });
mkdirSync(DIST, { recursive: true });
const stage = mkdtempSync(join(DIST, '.stage-'));
try {
  packMain(stage, packPlatforms(stage));
} finally {
  rmSync(stage, { recursive: true, force: true });
}
