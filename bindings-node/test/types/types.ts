// Compiled, not run: uses that the types must accept and refuse.
import { createReadStream } from 'node:fs';
import { Broker, Client, PigatoError, Worker, services, type HandlerContext } from 'pigato';
import pigato = require('pigato');

export async function accepted(): Promise<void> {
  const broker = new Broker('tcp://*:55555', { intch: null, dmode: 'rand' });
  await broker.start();
  broker.start(() => {});
  new Broker('tcp://127.0.0.1:1', {
    ctrl: { rset: (req) => req.rid, rdel: async ({ workerId }) => workerId?.length, rgetall: (callback) => callback(null, []) },
  });
  const joined: number = broker.statistics().workers;
  broker.on('workerJoined', ({ worker, service }) => console.log(worker.length + service.length + joined));

  const worker = new Worker('tcp://127.0.0.1:55555', 'echo', { concurrency: -1 });
  worker.conf.concurrency = 2;
  worker.handle<{ a: number }, number>(async ({ a }, { signal, opts }: HandlerContext) => (signal.aborted ? opts.b : a));
  worker.handle(async function* count(most: number) {
    for (let at = 0; at < most; at += 1) yield at;
    return 'done';
  });
  worker.on('request', (data, reply, options) => {
    reply.opts.cache = 10;
    if (reply.active()) createReadStream(data).pipe(reply);
    else reply.reject(options);
  });

  const client = new Client('tcp://127.0.0.1:55555', { prefix: 'mine', retry: 1 });
  const sum: number = await client.call<number>('sum', { a: 1 }, { timeout: 10, signal: AbortSignal.timeout(5) });
  for await (const part of client.stream<string>('parts', sum)) console.log(part.toUpperCase());
  client.request('echo', 'x').on('data', (data) => console.log(data)).pipe(process.stdout);
  client.request('echo', 'x', undefined, (error, data) => console.log(error, data), { retry: true });
  await client.stop({ drain: 100 });

  const directory = new services.Directory('tcp://127.0.0.1:55555', { intch: broker.conf.intch ?? undefined });
  directory.start();
  new pigato.Client('tcp://127.0.0.1:55555');
}

export function refused(error: unknown): void {
  if (error instanceof PigatoError && error.code === 'C_TIMEOUT') console.log(error.origin);
  // @ts-expect-error: an unknown option
  new Client('tcp://127.0.0.1:1', { timeouts: 1 });
  // @ts-expect-error: no service
  new Worker('tcp://127.0.0.1:1');
  // @ts-expect-error: a controller without rgetall
  new Broker('tcp://*:1', { ctrl: { rset() {}, rdel() {} } });
  // @ts-expect-error: an unknown mode
  new Broker('tcp://*:1', { dmode: 'best' });
  // @ts-expect-error: an unknown code
  if (error instanceof PigatoError && error.code === 'C_TIMEOUTS') console.log(error);
}
