/// <reference types="node" />
import { EventEmitter } from 'node:events';
import { Readable, Writable } from 'node:stream';

/** Codes that PIGATO itself gives errors, the same in all languages. */
export type ErrorCode =
  | 'C_TIMEOUT' | 'C_CANCELLED' | 'C_DISCONNECTED' | 'C_CLOSED' | 'C_BUSY'
  | 'B_WORKER_LOST' | 'B_NO_WORKER' | 'B_QUEUE_FULL' | 'B_TOO_LARGE' | 'B_REJECTED' | 'B_UNAUTHORIZED'
  | 'B_BAD_REQUEST' | 'B_DRAINING'
  | 'W_HANDLER'
  | 'E_ENDPOINT' | 'E_OPTION' | 'E_DATA' | 'E_SYSTEM' | 'E_FORK' | 'E_ARGUMENT' | 'E_INTERNAL';

/** A failure of a request or a call. */
export class PigatoError extends Error {
  constructor(code?: ErrorCode, message?: string, details?: {
    value?: unknown; origin?: 'local' | 'worker' | 'broker'; options?: object; cause?: unknown;
  });
  readonly name: 'PigatoError';
  /** PIGATO's own code; undefined for an error value of the service's. */
  readonly code: ErrorCode | undefined;
  /** This side, the worker that had the request, or the broker because no worker answered. */
  readonly origin: 'local' | 'worker' | 'broker';
  /** What the worker, or the broker, answered with. A handler that throws an error with a value answers with that. */
  readonly value?: unknown;
  /** The options that came with it. */
  readonly options?: Record<string, unknown>;
}

/** Times are milliseconds. The defaults are the core's; `conf` shows them. */
export interface PeerConf {
  /** Time between two heartbeats: 2500. */
  heartbeat?: number;
  /** Heartbeats that the broker may miss before it counts as gone: 3. */
  heartbeatLiveness?: number;
  /** First pause before a new connection: 1000. It doubles up to half a minute. */
  reconnect?: number;
  /** First part of the identity. */
  prefix?: string;
  /** Called when the broker has answered on a new connection. */
  onConnect?: () => void;
  /** Called when the connection is gone. */
  onDisconnect?: () => void;
}

export interface ClientConf extends PeerConf {
  /** Starts the client when it is made: false. */
  autostart?: boolean;
  /** How long a request may go without a reply: 60000; -1 for ever. Counts for the requests made from then on. */
  timeout?: number;
  /** Whether requests may run again when their worker or the connection is lost: 0. */
  retry?: boolean | 0 | 1;
  /** Most requests unanswered at a time; beyond it C_BUSY. */
  maxRequests?: number;
  /** Most bytes of requests unanswered at a time; beyond it C_BUSY. */
  maxRequestBytes?: number;
}

export interface WorkerConf extends PeerConf {
  /** Requests taken at the same time: 100; -1 for no limit. May be set at any time. */
  concurrency?: number;
}

export interface BrokerConf {
  /** Time after which a quiet worker is sent a heartbeat: 2500. */
  heartbeat?: number;
  /** Heartbeats that a peer may miss before it counts as dead: 3. */
  heartbeatLiveness?: number;
  /** How a worker is chosen: 'load'. */
  dmode?: 'load' | 'rand';
  /** The broker's name. */
  name?: string;
  /** Where the directory is published for core services: tcp://127.0.0.1:55550; null for nowhere. */
  intch?: string | null;
  maxRequests?: number;
  maxRequestBytes?: number;
  maxBodyBytes?: number;
  maxWorkers?: number;
  /** Keeps requests with `persist`. */
  ctrl?: BrokerController;
  /** Bytes of the reply cache; 0 turns it off. */
  cacheBytes?: number;
  onStart?: () => void;
  onStop?: () => void;
}

/** A request with `persist`, as controllers of the published broker know it. Frames that are not text are bytes. */
export interface StoredRequest {
  service: string | Buffer;
  clientId: string;
  rid: string | Buffer;
  /** How many workers it was handed to and lost with, the present one included. */
  attempts: number;
  /** Milliseconds from `ts` until it expires; -1: never. */
  timeout: number;
  /** When it came, as milliseconds since 1970. */
  ts: number;
  /** Always empty; there for programs that expect it. */
  rejects: Map<string, 1>;
  /** The frames as they came: clientId, 'C', type, service, rid, data, options. */
  msg: Array<string | Buffer>;
  opts: Record<string, unknown>;
  /** The worker that has it. */
  workerId?: string;
}

/** Keeps requests with `persist`, so that the broker's next life goes on with them. What it throws is an 'error' event. */
export interface BrokerController {
  /** A request has come, or goes to a worker: takes the place of what was kept under its clientId and rid. */
  rset(req: StoredRequest): unknown;
  /** It need not be kept any more. */
  rdel(req: StoredRequest): unknown;
  rget?(rid: string, callback: (error: unknown, req?: StoredRequest) => void): unknown;
  /** Gives back what is kept, as the broker starts; 'start' waits for it. */
  rgetall(callback: (error: unknown, reqs?: StoredRequest[] | Record<string, StoredRequest>) => void): unknown;
}

/** What one request may say for itself. Any other key is handed to the worker. */
export interface RequestOptions {
  timeout?: number;
  retry?: boolean | 0 | 1;
  /** The one worker that is to handle it. */
  workerId?: string;
  /** Passes by the broker's reply cache. */
  nocache?: boolean | 0 | 1;
  /** Fails with B_NO_WORKER or B_REJECTED at once instead of waiting for a worker. */
  failFast?: boolean | 0 | 1;
  /** Is kept by the broker's `ctrl`, if it has one, until it has ended: it outlives the broker. */
  persist?: boolean | 0 | 1;
  /** 'raw': the data is bytes. */
  codec?: 'json' | 'raw';
  [key: string]: unknown;
}

export interface CallOptions extends RequestOptions {
  /** Cancels the request, which then fails with C_CANCELLED; its `cause` is the signal's reason. */
  signal?: AbortSignal;
}

export interface StopOptions {
  /** How long to finish what is under way, in milliseconds: 0; below 0 without end. */
  drain?: number;
}

/** What callbacks are given as error: 0 or null for success, a code, or the service's error value. */
export type CallbackError = unknown;
export type ReplyCallback<T = any> = (error: CallbackError, data: T) => void;

/** An object-mode Readable of the replies. */
export interface RequestStream<T = any> extends Readable {
  /** Tells the worker that the reply is still wanted. */
  heartbeat(): void;
  on(event: 'data', listener: (data: T) => void): this;
  on(event: string | symbol, listener: (...values: any[]) => void): this;
  [Symbol.asyncIterator](): NodeJS.AsyncIterator<T>;
}

/** Makes requests. Keeps the process alive only while some are unanswered. */
export class Client extends EventEmitter implements AsyncDisposable {
  constructor(broker: string, conf?: ClientConf);
  /** Read live. */
  readonly conf: ClientConf & Record<string, any>;
  readonly broker: string;
  /** The identity of the present connection; undefined if it is not started. */
  readonly socketId: string | undefined;
  /** Starts it, anew if it is started. A broker that is not there yet is no error. */
  start(): Promise<void>;
  /** Stops it: what is unanswered fails with C_CLOSED. */
  stop(options?: StopOptions): Promise<void>;
  /** The final reply; partial ones are passed over. Bytes are sent as bytes, and are not to be changed before the reply. */
  call<T = any>(service: string, data?: unknown, options?: CallOptions): Promise<T>;
  /** All replies, partial ones and then the final one if it is not null, as fast as they are read. Leaving it cancels. */
  stream<T = any>(service: string, data?: unknown, options?: CallOptions): AsyncIterableIterator<T>;
  request<T = any>(service: string, data?: unknown, options?: RequestOptions): RequestStream<T>;
  request<P = any, F = any>(
    service: string, data: unknown, partial: ReplyCallback<P> | null | undefined,
    final: ReplyCallback<F> | null | undefined, options?: RequestOptions,
  ): void;
  requestStream<T = any>(service: string, data?: unknown, options?: RequestOptions): RequestStream<T>;
  [Symbol.asyncDispose](): Promise<void>;
  on(event: 'start' | 'stop' | 'connect' | 'disconnect', listener: () => void): this;
  on(event: 'error', listener: (error: unknown) => void): this;
  on(event: string | symbol, listener: (...values: any[]) => void): this;
}

/** What a request is answered with: an object-mode Writable. */
export interface Reply<P = any, F = P> extends Writable {
  /** Options of the replies: `codec`, `cache` (ms that the broker may give it to the same request), keys of your own. */
  opts: { codec?: 'json' | 'raw'; cache?: number; [key: string]: unknown };
  readonly ended: boolean;
  /** Sends a partial reply. False if the client has to read first, and 'drain' follows; or if it has gone, and 'close' does. */
  write(data: P, callback?: (error: Error | null | undefined) => void): boolean;
  write(data: P, encoding: BufferEncoding, callback?: (error: Error | null | undefined) => void): boolean;
  /** Sends the final reply. */
  end(callback?: () => void): this;
  end(data: F, callback?: () => void): this;
  end(data: F, encoding: BufferEncoding, callback?: () => void): this;
  /** Sends an error value as the final reply. */
  error(value?: unknown): void;
  /** Has another worker answer. */
  reject(reason?: unknown): void;
  /** Sends the broker a sign of life now. */
  heartbeat(): void;
  /** Whether the client still waits. */
  active(): boolean;
}

/** What a handler is given beside the data. */
export interface HandlerContext {
  /** The request's options. */
  readonly opts: Record<string, any>;
  /** The name that was asked for: with a wildcard, not the worker's own. */
  readonly service: string;
  /** The client's identity. */
  readonly client: string;
  /** 1 the first time that the request is handed to a worker, more after workers were lost with it. */
  readonly attempt: number;
  /** Aborted when nobody waits for the reply any more. */
  readonly signal: AbortSignal;
  /** For those who answer by themselves; what a handler returns then is only sent if it is not undefined. */
  readonly reply: Reply;
}

/** What it returns is the final reply, what it yields are partial ones, what it throws fails the request. */
export type Handler<In = any, Out = any, Part = any> = (
  data: In, context: HandlerContext,
) => Out | Promise<Out> | AsyncIterable<Part> | Promise<AsyncIterable<Part>>;

/** Offers a service. Keeps the process alive while it is started. */
export class Worker extends EventEmitter implements AsyncDisposable {
  constructor(broker: string, service: string, conf?: WorkerConf);
  readonly conf: WorkerConf & Record<string, any>;
  readonly broker: string;
  readonly service: string;
  readonly socketId: string | undefined;
  start(): Promise<void>;
  /** Stops it once its requests are answered, after `drain` milliseconds at the latest. */
  stop(options?: StopOptions): Promise<void>;
  /** Has each request answered by a function, in place of 'request' listeners. */
  handle<In = any, Out = any, Part = any>(handler: Handler<In, Out, Part>): this;
  heartbeat(): void;
  [Symbol.asyncDispose](): Promise<void>;
  on(event: 'request', listener: (data: any, reply: Reply, options: Record<string, any>) => void): this;
  on(event: 'start' | 'stop' | 'connect' | 'disconnect', listener: () => void): this;
  on(event: 'error', listener: (error: unknown) => void): this;
  on(event: string | symbol, listener: (...values: any[]) => void): this;
}

/** Counters since the start, and what there is now. */
export interface Statistics {
  requests: number; restored: number; left: number; dispatches: number; replies: number; partialReplies: number; rejects: number; retries: number;
  expired: number; cancelled: number; errors: number; lateReplies: number; cacheHits: number; protocolErrors: number;
  undeliverable: number; workers: number; clients: number; queued: number; inFlight: number; requestBytes: number;
  cacheBytes: number; missedEvents: number;
}

/** Hands requests to workers. Keeps the process alive while it is started. */
export class Broker extends EventEmitter implements AsyncDisposable {
  /** `*` as a port takes a free one, which `endpoints` tells. */
  constructor(endpoint?: string | string[], conf?: BrokerConf);
  readonly conf: BrokerConf & Record<string, any>;
  readonly endpoint: string | string[] | undefined;
  readonly endpoints: string[];
  readonly intch: string | null;
  /** Fulfilled when it listens and has what `conf.ctrl` kept. */
  start(callback?: () => void): Promise<void>;
  /** Finishes what it has accepted for up to `drain` milliseconds, and refuses what comes with B_DRAINING. */
  stop(options?: StopOptions): Promise<void>;
  statistics(): Statistics;
  /** Which workers offer which service. */
  directory(): Record<string, string[]>;
  [Symbol.asyncDispose](): Promise<void>;
  on(event: 'start' | 'stop', listener: () => void): this;
  on(event: 'workerJoined', listener: (event: { worker: string; service: string }) => void): this;
  on(event: 'workerLeft', listener: (event: { worker: string; service: string; reason: string }) => void): this;
  on(event: 'clientLeft', listener: (event: { client: string; reason: string }) => void): this;
  on(event: 'protocolError', listener: (event: { peer: string; error: string }) => void): this;
  on(event: 'error', listener: (error: unknown) => void): this;
  on(event: string | symbol, listener: (...values: any[]) => void): this;
}

export namespace services {
  /** Answers `$dir` in the broker's place. */
  class Directory {
    constructor(endpoint: string, conf?: { intch?: string; onStart?: () => void; onStop?: () => void });
    readonly conf: Record<string, any>;
    start(): void;
    stop(): void;
  }
}

/** Tags and types of the protocol, for programs that speak it by hand. */
export const constants: Readonly<Record<
  'WORKER' | 'CLIENT' | 'W_READY' | 'W_REQUEST' | 'W_REPLY' | 'W_HEARTBEAT' | 'W_DISCONNECT' | 'W_REPLY_PARTIAL'
  | 'W_REPLY_REJECT', string
>>;

/** Which libzmq this is. */
export const libzmqVersion: string;
