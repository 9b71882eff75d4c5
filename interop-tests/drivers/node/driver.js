'use strict';
// The driver for the Node.js package: a broker, worker or client that tests control with lines of
// JSON; see ../PROTOCOL.md.

const readline = require('node:readline');
const { parseArgs } = require('node:util');

const { say } = require('./say');

const ROLES = { broker: require('./broker'), worker: require('./worker'), client: require('./client') };

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      endpoint: { type: 'string' },
      service: { type: 'string' },
      conf: { type: 'string', default: '{}' },
      verbose: { type: 'boolean', default: false },
    },
  });
  const start = ROLES[positionals[0]];
  if (start === undefined) throw new Error('broker, worker or client?');
  const role = await start({ ...values, conf: JSON.parse(values.conf) });

  for await (const text of readline.createInterface({ input: process.stdin })) {
    const line = JSON.parse(text);
    if (line.op === 'stop') break;
    try {
      const operation = role.operations[line.op];
      if (operation === undefined) throw new Error(`no operation is called ${line.op}`);
      operation(line);
    } catch (error) {
      say('error', { error: error.message });
    }
  }
  await role.stop();
  say('stopped');
  process.exit(0);
}

main().catch((error) => {
  process.stderr.write(`driver.js: ${error.stack}\n`);
  process.exit(4);
});
