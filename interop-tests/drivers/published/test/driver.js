'use strict';

// Controls peer.js as other test programs do: a child process, and lines in both directions.

const { spawn } = require('node:child_process');
const path = require('node:path');
const readline = require('node:readline');

const PROGRAM = path.join(__dirname, '..', 'peer.js');
const TIMEOUT_MS = 10000;

class Peer {
  static running = new Set();

  constructor(role, options = {}) {
    const args = [PROGRAM, role, '--max-seconds', '60'];
    for (const [name, value] of Object.entries(options)) {
      if (value === true) args.push(`--${name}`);
      else args.push(`--${name}`, typeof value === 'string' ? value : JSON.stringify(value));
    }
    this.role = role;
    this.events = [];
    this.waiters = new Set();
    this.stderr = '';
    this.child = spawn(process.execPath, args);
    Peer.running.add(this);

    this.child.stderr.on('data', (text) => (this.stderr += text));
    this.child.stdin.on('error', () => {});
    readline.createInterface({ input: this.child.stdout }).on('line', (line) => {
      this.events.push(JSON.parse(line));
      for (const check of [...this.waiters]) check();
    });
    this.exited = new Promise((resolve) => {
      this.child.on('exit', (code) => {
        Peer.running.delete(this);
        resolve(code);
      });
    });
  }

  send(op, fields) {
    this.child.stdin.write(`${JSON.stringify({ op, ...fields })}\n`);
  }

  // The first event, past or future, that has all these fields or that a function accepts.
  event(wanted) {
    const accepts =
      typeof wanted === 'function'
        ? wanted
        : (event) => Object.entries(wanted).every(([name, value]) => event[name] === value);
    return new Promise((resolve, reject) => {
      const check = () => {
        const found = this.events.find(accepts);
        if (found) done(resolve, found);
      };
      const timer = setTimeout(() => {
        const seen = JSON.stringify(this.events);
        done(reject, new Error(`${this.role}: no such event in ${seen}\n${this.stderr}`));
      }, TIMEOUT_MS);
      const done = (settle, value) => {
        clearTimeout(timer);
        this.waiters.delete(check);
        settle(value);
      };
      this.waiters.add(check);
      check();
    });
  }

  ready() {
    return this.event({ event: 'ready' });
  }

  final(tag) {
    return this.event({ event: 'final', tag });
  }

  partials(tag) {
    return this.events.filter((e) => e.event === 'partial' && e.tag === tag).map((e) => e.data);
  }

  stop() {
    this.send('stop');
    return this.exited;
  }
}

module.exports = { Peer };
