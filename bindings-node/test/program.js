'use strict';
// Programs written for the published package, each in a process of its own, on that package or on ours.

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

/** A folder for one test, with sockets and with what `require('pigato')` finds. */
class Place {
  constructor(test) {
    this.path = mkdtempSync(join(tmpdir(), 'pigato-'));
    symlinkSync(join(__dirname, '..'), join(this.path, 'pigato'), 'junction');
    test.after(() => rmSync(this.path, { recursive: true, force: true }));
  }

  /** An address that nobody else uses; both packages know `ipc`. */
  address(name) {
    return `ipc://${join(this.path, name)}`;
  }

  /** NODE_PATH for a package. */
  modules(name) {
    return { ours: this.path, published: join(PEER, 'node_modules') }[name];
  }
}

class Program extends EventEmitter {
  /** All that it has said, line by line. */
  said = [];
  hasExited = false;

  /**
   * @param {Place} place
   * @param {'ours' | 'published'} name which package it gets
   * @param {string} program name of a file in published-programs
   * @param {string[]} options
   */
  constructor(test, place, name, program, ...options) {
    super();
    this.title = `${program} on ${name}`;
    const file = join(__dirname, 'published-programs', `${program}.js`);
    // The published package is full of deprecated calls.
    this.child = spawn(process.execPath, ['--no-deprecation', file, ...options], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_PATH: place.modules(name) },
    });
    const lines = createInterface({ input: this.child.stdout });
    lines.on('line', (line) => {
      this.said.push(line);
      this.emit('line');
    });
    lines.on('close', () => {
      this.hasExited = true;
      this.emit('exited');
    });
    test.after(() => this.kill());
  }

  /** That it says this, or has said it already. */
  async says(expected) {
    while (!this.said.includes(expected)) {
      await event(this, 'line').catch(() => assert.fail(`${this.title} never said '${expected}', but ${JSON.stringify(this.said)}`));
    }
    return this;
  }

  async kill() {
    this.child.kill('SIGKILL');
    await this.output();
  }

  /** All that it says until it ends by itself. */
  async output() {
    if (!this.hasExited) {
      await event(this, 'exited').catch(() => assert.fail(`${this.title} does not end; it said ${JSON.stringify(this.said)}`));
    }
    return this.said;
  }
}

module.exports = { Place, Program };
