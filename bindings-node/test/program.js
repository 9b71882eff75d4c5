'use strict';
// Runs programs for the published package, each in a process of its own, on that package or on this
// one (`ours`).

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { EventEmitter } = require('node:events');
const { existsSync, mkdtempSync, rmSync, symlinkSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { createInterface } = require('node:readline');
const { event } = require('./fleet');

const PEER = join(__dirname, '../../interop-tests/drivers/published');
assert.ok(existsSync(join(PEER, 'node_modules/pigato')), `the published package is missing: run npm ci in ${PEER}`);

/** A folder for one test: sockets, and a link to this package for `require('pigato')`. */
class Sandbox {
  constructor(test) {
    this.path = mkdtempSync(join(tmpdir(), 'pigato-'));
    symlinkSync(join(__dirname, '..'), join(this.path, 'pigato'), 'junction');
    test.after(() => rmSync(this.path, { recursive: true, force: true }));
  }

  /** An address in this folder; both packages support `ipc`. */
  address(name) {
    return `ipc://${join(this.path, name)}`;
  }

  /** The NODE_PATH for a package. */
  modules(name) {
    return { ours: this.path, published: join(PEER, 'node_modules') }[name];
  }
}

class Program extends EventEmitter {
  /** The lines of its output. */
  lines = [];
  hasExited = false;

  /**
   * @param {Sandbox} sandbox
   * @param {'ours' | 'published'} name the package that it loads
   * @param {string} program name of a file in published-programs
   * @param {string[]} options
   */
  constructor(test, sandbox, name, program, ...options) {
    super();
    this.title = `${program} on ${name}`;
    const file = join(__dirname, 'published-programs', `${program}.js`);
    // The published package makes many deprecated calls.
    this.child = spawn(process.execPath, ['--no-deprecation', file, ...options], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_PATH: sandbox.modules(name) },
    });
    const lines = createInterface({ input: this.child.stdout });
    lines.on('line', (line) => {
      this.lines.push(line);
      this.emit('line');
    });
    lines.on('close', () => {
      this.hasExited = true;
      this.emit('exited');
    });
    test.after(() => this.kill());
  }

  /** Waits until it has printed this line. */
  async prints(expected) {
    while (!this.lines.includes(expected)) {
      await event(this, 'line').catch(() => {
        assert.fail(`${this.title} did not print '${expected}', but ${JSON.stringify(this.lines)}`);
      });
    }
    return this;
  }

  async kill() {
    this.child.kill('SIGKILL');
    await this.output();
  }

  /** Waits until it has ended; resolves with all its lines. */
  async output() {
    if (!this.hasExited) {
      await event(this, 'exited').catch(() => {
        assert.fail(`${this.title} does not end; it printed ${JSON.stringify(this.lines)}`);
      });
    }
    return this.lines;
  }
}

module.exports = { Program, Sandbox };
