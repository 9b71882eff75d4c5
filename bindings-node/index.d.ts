/// <reference types="node" />
// Times are milliseconds and sizes are bytes, unless a comment says otherwise.
import { EventEmitter } from 'node:events';
import { Readable, Writable } from 'node:stream';

/**
 * PIGATO's error codes, the same in all languages. The first letter names the side that fails the
 * request: C the client, B the broker, W the worker. E is an error of the calling program or its
 * environment.
 */
export type ErrorCode =
  /** The request's `timeout` passed without a reply. */
  | 'C_TIMEOUT'
  /** The client cancelled the request. */
  | 'C_CANCELLED'
  /** The connection to the broker was lost, and the request has no `retry`. */
  | 'C_DISCONNECTED'
  /** The client, worker or broker is stopped. */
  | 'C_CLOSED'
  /** Too many requests are pending, or too many replies are unread. */
  | 'C_BUSY'
  /** The worker was lost with the request. `retry` was not set or its attempts are used up. */
  | 'B_WORKER_LOST'
  /** No worker offers the service, and `failFast` was set. */
  | 'B_NO_WORKER'
  /** The broker holds as many requests or bytes as it may. */
  | 'B_QUEUE_FULL'
  /** The data is larger than the broker accepts. */
  | 'B_TOO_LARGE'
  /** Every worker of the service rejected the request, and `failFast` was set. */
  | 'B_REJECTED'
  /** The peer is not allowed to do this. */
  | 'B_UNAUTHORIZED'
  /** The request breaks the protocol: it has no id, or an invalid service name. */
  | 'B_BAD_REQUEST'
  /** The broker is stopping. */
  | 'B_DRAINING'
  /** The worker's handler failed. */
  | 'W_HANDLER'
  /** The address is invalid, or the broker cannot listen on it. */
  | 'E_ENDPOINT'
  /** An option has an invalid value. */
  | 'E_OPTION'
  /** The data is not of the expected form. */
  | 'E_DATA'
  /** The operating system or libzmq refused a resource. */
  | 'E_SYSTEM'
  /** The object was created before a fork and is used in the child. */
  | 'E_FORK'
  /** An argument is missing or invalid. */
  | 'E_ARGUMENT'
  /** A bug in PIGATO. */
  | 'E_INTERNAL';

/** The error of a request or a call. */
export class PigatoError extends Error {
  constructor(code?: ErrorCode, message?: string, details?: {
    value?: unknown; origin?: 'local' | 'worker' | 'broker'; options?: object; cause?: unknown;
  });
  readonly name: 'PigatoError';
  /**
   * The error code; undefined for an error value of the service (`reply.error`), which is in
   * `value`.
   */
  readonly code: ErrorCode | undefined;
  /**
   * `local`: this process. `worker`: the worker that had the request. `broker`: the broker itself.
   */
  readonly origin: 'local' | 'worker' | 'broker';
  /**
   * The error value that the worker or the broker sent. A handler that throws an error with a value
   * sends that.
   */
  readonly value?: unknown;
  /** The options that the worker or the broker sent with the error. */
  readonly options?: Record<string, unknown>;
}

/** Options that clients and workers share. Unknown keys are ignored. */
export interface PeerConf {
  /** Interval between two heartbeats, in milliseconds. Read at the next start. Default: 2500. */
  heartbeat?: number;
  /**
   * Heartbeats that the broker may miss before the connection counts as lost. Read at the next
   * start. Default: 3.
   */
  heartbeatLiveness?: number;
  /**
   * First pause before a reconnection, in milliseconds; it doubles up to 30 s. Read at the next
   * start. Default: 1000.
   */
  reconnect?: number;
  /** First part of the identity. Read at the next start. Default: C or W and a UUID. */
  prefix?: string;
  /** Called when the broker has answered on a new connection, after 'connect'. */
  onConnect?: () => void;
  /** Called when the connection is lost or the peer was stopped, after 'disconnect'. */
  onDisconnect?: () => void;
}

/** Options of a client. */
export interface ClientConf extends PeerConf {
  /** Starts the client in its constructor. Default: false. */
  autostart?: boolean;
  /**
   * Milliseconds without a reply after which a request fails with C_TIMEOUT; -1: no limit. May be
   * changed at any time, for later requests. Default: 60000.
   */
  timeout?: number;
  /**
   * Whether a request may run again when its worker or the connection is lost. May be changed at
   * any time, for later requests. Default: false.
   */
  retry?: boolean | 0 | 1;
  /**
   * Most pending requests; one more fails with C_BUSY. Read at the next start. Default: 1000000.
   */
  maxRequests?: number;
  /**
   * Most bytes of pending requests; beyond it a request fails with C_BUSY. Read at the next start.
   * Default: 1 GiB.
   */
  maxRequestBytes?: number;
}

/** Options of a worker. */
export interface WorkerConf extends PeerConf {
  /** Concurrent requests; -1: no limit. May be changed at any time. Default: 100. */
  concurrency?: number;
}

/** Options of a broker. They are read at the next start. Unknown keys are ignored. */
export interface BrokerConf {
  /** A worker that was silent for this many milliseconds is sent a heartbeat. Default: 2500. */
  heartbeat?: number;
  /** Heartbeats that a peer may miss before it counts as lost. Default: 3. */
  heartbeatLiveness?: number;
  /**
   * How the broker chooses a free worker. `load`: the one with the fewest jobs. `rand`: a random
   * one. Default: 'load'.
   */
  dmode?: 'load' | 'rand';
  /**
   * The broker's name. Use a new one at each start: clients detect a restart by it. Default: B and
   * a UUID.
   */
  name?: string;
  /**
   * Address where the broker publishes its directory for `services.Directory`; null: nowhere. Two
   * brokers on one machine need different addresses. Default: tcp://127.0.0.1:55550.
   */
  intch?: string | null;
  /**
   * Most requests that the broker holds, queued and at workers; one more fails with B_QUEUE_FULL.
   * Default: 1000000.
   */
  maxRequests?: number;
  /**
   * Most bytes of requests that the broker holds; beyond it a request fails with B_QUEUE_FULL.
   * Default: 1 GiB.
   */
  maxRequestBytes?: number;
  /** Largest data of a request, in bytes; larger data fails with B_TOO_LARGE. Default: 64 MiB. */
  maxBodyBytes?: number;
  /** Most workers; the broker disconnects one more. Default: 65536. */
  maxWorkers?: number;
  /** Stores durable requests (option `persist`). Default: none, and `persist` has no effect. */
  ctrl?: BrokerController;
  /** Size of the reply cache in bytes; 0: no cache. Default: 64 MiB. */
  cacheBytes?: number;
  /** Called before 'start'. */
  onStart?: () => void;
  /** Called before 'stop'. */
  onStop?: () => void;
}

/**
 * A durable request, in the form that the published broker hands to controllers. Frames that are
 * not UTF-8 are Buffers.
 */
export interface StoredRequest {
  service: string | Buffer;
  /** The client's identity. */
  clientId: string;
  /** The request id. */
  rid: string | Buffer;
  /** Workers that the request was handed to, the current one included. */
  attempts: number;
  /** Milliseconds from `ts` until the request expires; -1: never. */
  timeout: number;
  /** When the broker received it, in milliseconds since 1970. */
  ts: number;
  /** Always empty; for controllers that expect it. */
  rejects: Map<string, 1>;
  /** The frames as received: clientId, 'C', type, service, rid, data, options. */
  msg: Array<string | Buffer>;
  opts: Record<string, unknown>;
  /** The worker that has the request; absent while it is queued. */
  workerId?: string;
}

/**
 * Stores durable requests, so that the next run of the broker can finish them. A method may return
 * a promise, which the broker does not await. What a method throws or rejects with is an 'error'
 * event of the broker, if there is a listener.
 */
export interface BrokerController {
  /**
   * A request is new or was handed to a worker. Replaces the stored request with the same clientId
   * and rid.
   */
  rset(req: StoredRequest): unknown;
  /** A request has ended: delete it. */
  rdel(req: StoredRequest): unknown;
  /** Not called; for controllers that define it. */
  rget?(rid: string, callback: (error: unknown, req?: StoredRequest) => void): unknown;
  /**
   * Returns all stored requests when the broker starts. The broker serves no peer before the
   * callback is called.
   */
  rgetall(callback: (error: unknown, reqs?: StoredRequest[] | Record<string, StoredRequest>) => void): unknown;
}

/** Options of one request. The worker receives any other key as it is. */
export interface RequestOptions {
  /**
   * Milliseconds without a reply until C_TIMEOUT; each partial reply restarts it; -1: no limit.
   * Default: `conf.timeout`.
   */
  timeout?: number;
  /** Whether it may run again when its worker or the connection is lost. Default: `conf.retry`. */
  retry?: boolean | 0 | 1;
  /** Identity of the only worker that may handle it. Default: any worker of the service. */
  workerId?: string;
  /** Does not answer it from the broker's reply cache. Default: false. */
  nocache?: boolean | 0 | 1;
  /**
   * Fails with B_NO_WORKER or B_REJECTED at once, instead of waiting for a worker. Default: false.
   */
  failFast?: boolean | 0 | 1;
  /**
   * Stores it in the broker's `ctrl` until it has ended, so that it survives a restart of the
   * broker. Default: false.
   */
  persist?: boolean | 0 | 1;
  /**
   * 'raw': the data is bytes. Default: 'json'; `call` and `stream` use 'raw' for a Buffer or
   * Uint8Array.
   */
  codec?: 'json' | 'raw';
  [key: string]: unknown;
}

/** Options of `call` and `stream`. */
export interface CallOptions extends RequestOptions {
  /**
   * Cancels the request, which then fails with C_CANCELLED. The error's `cause` is the signal's
   * reason.
   */
  signal?: AbortSignal;
}

export interface StopOptions {
  /**
   * Milliseconds to wait for requests under way; 0: stop at once; below 0: no limit. Default: 0.
   */
  drain?: number;
}

/**
 * The error argument of callbacks: 0 (final) or null (partial) for success, an error code, or the
 * service's error value.
 */
export type CallbackError = unknown;
export type ReplyCallback<T = any> = (error: CallbackError, data: T) => void;

/** The replies to one request, as an object-mode Readable. Destroying it cancels the request. */
export interface RequestStream<T = any> extends Readable {
  /**
   * Sends the worker a request heartbeat: the reply is still wanted. The client also sends one
   * per `heartbeat`.
   */
  heartbeat(): void;
  on(event: 'data', listener: (data: T) => void): this;
  on(event: string | symbol, listener: (...values: any[]) => void): this;
  [Symbol.asyncIterator](): NodeJS.AsyncIterator<T>;
}

/**
 * Makes requests. It only keeps the process alive while requests are pending.
 *
 * Events: 'start', 'stop'; 'connect' when the broker has answered on a new connection; 'disconnect'
 * when the connection is lost or the client was stopped; 'error' with a failed start, an exception
 * of a callback, or the name of a broken protocol rule (`ERR_MSG_HEADER`, `ERR_MSG_LENGTH`,
 * `ERR_MSG_TYPE`, `ERR_REQ_INVALID`).
 */
export class Client extends EventEmitter implements AsyncDisposable {
  /** @param broker the broker's address, for example `tcp://127.0.0.1:55555` */
  constructor(broker: string, conf?: ClientConf);
  /** The options, defaults included. Each option's comment says when a change takes effect. */
  readonly conf: ClientConf & Record<string, any>;
  readonly broker: string;
  /** The identity of the current session; undefined while the client is stopped. */
  readonly socketId: string | undefined;
  /**
   * Starts the client; restarts it if it is started. Does not wait for the broker, which may start
   * later. Rejects with E_ARGUMENT, E_ENDPOINT, E_OPTION or E_SYSTEM.
   */
  start(): Promise<void>;
  /** Stops the client. Requests that are pending after `drain` milliseconds fail with C_CLOSED. */
  stop(options?: StopOptions): Promise<void>;
  /**
   * Makes a request and resolves with its final reply; partial replies are dropped. Rejects with a
   * PigatoError, or with a TypeError if `data` cannot be JSON. A Buffer is not copied: do not
   * change it before the reply.
   */
  call<T = any>(service: string, data?: unknown, options?: CallOptions): Promise<T>;
  /**
   * Makes a request and iterates over its partial replies and its final one (unless that is null).
   * The worker pauses while nobody reads. Leaving the loop cancels the request. Failures are thrown
   * by the loop; E_ARGUMENT, E_DATA and the TypeError for data that cannot be JSON are thrown by
   * `stream` itself.
   */
  stream<T = any>(service: string, data?: unknown, options?: CallOptions): AsyncIterableIterator<T>;
  /**
   * Makes a request whose replies are a Readable. Throws E_ARGUMENT, E_DATA, or a TypeError for
   * data that cannot be JSON.
   */
  request<T = any>(service: string, data?: unknown, options?: RequestOptions): RequestStream<T>;
  /** Makes a request whose replies go to callbacks. Throws like the other form. */
  request<P = any, F = any>(
    service: string, data: unknown, partial: ReplyCallback<P> | null | undefined,
    final: ReplyCallback<F> | null | undefined, options?: RequestOptions,
  ): void;
  /** Same as `request` without callbacks. */
  requestStream<T = any>(service: string, data?: unknown, options?: RequestOptions): RequestStream<T>;
  /** Stops it at once. */
  [Symbol.asyncDispose](): Promise<void>;
  on(event: 'start' | 'stop' | 'connect' | 'disconnect', listener: () => void): this;
  on(event: 'error', listener: (error: unknown) => void): this;
  on(event: string | symbol, listener: (...values: any[]) => void): this;
}

/**
 * The reply to one request at a worker, as an object-mode Writable. 'close' follows when the
 * request was cancelled.
 */
export interface Reply<P = any, F = P> extends Writable {
  /**
   * Options of the replies: `codec` ('json' or 'raw'); `cache`, milliseconds for which the broker
   * may answer the same service and data from its cache; and keys of your own.
   */
  opts: { codec?: 'json' | 'raw'; cache?: number; [key: string]: unknown };
  /** Whether the final reply was given. */
  readonly ended: boolean;
  /**
   * Sends a partial reply. False if the client has to read first, and 'drain' follows; or if the
   * request was cancelled, and 'close' follows.
   */
  write(data: P, callback?: (error: Error | null | undefined) => void): boolean;
  write(data: P, encoding: BufferEncoding, callback?: (error: Error | null | undefined) => void): boolean;
  /** Sends the final reply. */
  end(callback?: () => void): this;
  end(data: F, callback?: () => void): this;
  end(data: F, encoding: BufferEncoding, callback?: () => void): this;
  /** Sends an error value as the final reply. */
  error(value?: unknown): void;
  /** Returns the request to the broker, which hands it to another worker. */
  reject(reason?: unknown): void;
  /** Sends a heartbeat to the broker now. */
  heartbeat(): void;
  /** Whether the client still waits for the reply. */
  active(): boolean;
}

/** The second argument of a handler. */
export interface HandlerContext {
  /** The request's options. */
  readonly opts: Record<string, any>;
  /** The service name in the request. It differs from the worker's if that is a wildcard. */
  readonly service: string;
  /** The client's identity. */
  readonly client: string;
  /**
   * 1 the first time that a worker receives the request; higher after workers were lost with it.
   */
  readonly attempt: number;
  /**
   * Aborted when the request was cancelled, timed out or lost its client. Its reason is a
   * PigatoError.
   */
  readonly signal: AbortSignal;
  /** Sends replies directly. A handler that uses it and returns undefined has to end it. */
  readonly reply: Reply;
}

/**
 * Answers a request. The return value is the final reply. Values that an async iterable yields are
 * partial replies; what an async generator returns is the final one. An exception fails the request
 * with W_HANDLER.
 */
export type Handler<In = any, Out = any, Part = any> = (
  data: In, context: HandlerContext,
) => Out | Promise<Out> | AsyncIterable<Part> | Promise<AsyncIterable<Part>>;

/**
 * Offers a service. Keeps the process alive while it is started. Heartbeats come from another
 * thread.
 *
 * Events: 'request' unless `handle` was called; 'start', 'stop', 'connect', 'disconnect' and
 * 'error' as for a client. 'error' also emits what a 'request' listener throws, if there is a
 * listener.
 */
export class Worker extends EventEmitter implements AsyncDisposable {
  /**
   * @param broker the broker's address, for example `tcp://127.0.0.1:55555`
   * @param service the service's name; may end in a wildcard (`mail*`) or a version (`api@1.2.3`)
   */
  constructor(broker: string, service: string, conf?: WorkerConf);
  /** The options, defaults included. Each option's comment says when a change takes effect. */
  readonly conf: WorkerConf & Record<string, any>;
  readonly broker: string;
  readonly service: string;
  /** The identity of the current session; undefined while the worker is stopped. */
  readonly socketId: string | undefined;
  /**
   * Starts the worker; restarts it if it is started. Does not wait for the broker, which may start
   * later. Rejects with E_ARGUMENT, E_ENDPOINT, E_OPTION or E_SYSTEM.
   */
  start(): Promise<void>;
  /**
   * Stops the worker when its requests are answered. After `drain` milliseconds the others are
   * cancelled.
   */
  stop(options?: StopOptions): Promise<void>;
  /**
   * Sets a function that answers each request, in place of 'request' listeners. Throws E_ARGUMENT.
   */
  handle<In = any, Out = any, Part = any>(handler: Handler<In, Out, Part>): this;
  /** Sends a heartbeat to the broker now. */
  heartbeat(): void;
  /** Stops it at once. */
  [Symbol.asyncDispose](): Promise<void>;
  on(event: 'request', listener: (data: any, reply: Reply, options: Record<string, any>) => void): this;
  on(event: 'start' | 'stop' | 'connect' | 'disconnect', listener: () => void): this;
  on(event: 'error', listener: (error: unknown) => void): this;
  on(event: string | symbol, listener: (...values: any[]) => void): this;
}

/** Counters since the start, and present gauges. */
export interface Statistics {
  /** Requests received. */
  requests: number;
  /** Durable requests restored from a previous run. */
  restored: number;
  /** Durable requests left to the next run when the broker stopped. */
  left: number;
  /** Requests handed to workers; several for a request that was retried or rejected. */
  dispatches: number;
  /** Final replies passed on. */
  replies: number;
  /** Partial replies passed on. */
  partialReplies: number;
  /** Requests that a worker rejected. */
  rejects: number;
  /** Requests queued again because their worker was lost. */
  retries: number;
  /** Requests whose timeout passed. */
  expired: number;
  /** Requests that ended because their client cancelled them or was lost. */
  cancelled: number;
  /** Requests that the broker refused or ended with an error of its own. */
  errors: number;
  /** Replies dropped because the broker had ended their request. */
  lateReplies: number;
  /** Requests answered from the reply cache. */
  cacheHits: number;
  /** Messages that broke the protocol. */
  protocolErrors: number;
  /** Messages dropped because their receiver was lost or too slow. */
  undeliverable: number;
  /** Gauge: registered workers. */
  workers: number;
  /** Gauge: clients that have requests or send heartbeats. */
  clients: number;
  /** Gauge: requests that wait for a worker. */
  queued: number;
  /** Gauge: requests at workers. */
  inFlight: number;
  /** Gauge: bytes of all requests held. */
  requestBytes: number;
  /** Gauge: bytes in the reply cache. */
  cacheBytes: number;
  /** Events that were not emitted because the event queue was full. */
  missedEvents: number;
}

/**
 * Queues requests and hands them to workers. Keeps the process alive while it is started.
 *
 * Reasons of 'workerLeft' and 'clientLeft': `disconnected` (it said so), `silent` (no heartbeat
 * within the liveness timeout), `unroutable` (its connection was lost), `overflow` (it read too
 * slowly), `protocol_error`, `restarted` (it announced itself again), `broker_stopped`.
 *
 * The error of 'protocolError' is a name of the published package (`ERR_MSG_HEADER`,
 * `ERR_MSG_LENGTH`, `ERR_MSG_TYPE`, `ERR_REQ_INVALID`), also emitted as 'error' if there is a
 * listener; or `unexpected_reply`, `unknown_worker`, `duplicate_request`, `too_many_workers`.
 */
export class Broker extends EventEmitter implements AsyncDisposable {
  /**
   * @param endpoint one or several addresses to listen on; `*` as a port takes a free one, see
   * `endpoints`. Default: `tcp://127.0.0.1:55555`.
   */
  constructor(endpoint?: string | string[], conf?: BrokerConf);
  /** The options, defaults included. Changes take effect at the next start. */
  readonly conf: BrokerConf & Record<string, any>;
  readonly endpoint: string | string[] | undefined;
  /** The addresses it listens on, with real ports in place of `*`; empty while it is stopped. */
  readonly endpoints: string[];
  /** The address where it publishes its directory; null if nowhere, and while it is stopped. */
  readonly intch: string | null;
  /**
   * Starts the broker; restarts it if it is started. Resolves when it listens and has restored
   * durable requests. Rejects with E_ARGUMENT, E_ENDPOINT, E_OPTION or E_SYSTEM. `callback` is only
   * called on success.
   */
  start(callback?: () => void): Promise<void>;
  /**
   * Finishes accepted requests for up to `drain` milliseconds; meanwhile new ones fail with
   * B_DRAINING.
   */
  stop(options?: StopOptions): Promise<void>;
  /** Blocks until the I/O thread answers. Throws C_CLOSED while the broker is stopped. */
  statistics(): Statistics;
  /** Service names and the identities of their workers. Blocks and throws like `statistics`. */
  directory(): Record<string, string[]>;
  /** Stops it at once. */
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
  /** Answers requests for `$dir` (which workers offer which service) in place of the broker. */
  class Directory {
    /**
     * @param endpoint the broker's address
     * @param conf `intch` is the broker's `conf.intch`. Default: tcp://127.0.0.1:55550.
     */
    constructor(endpoint: string, conf?: { intch?: string; onStart?: () => void; onStop?: () => void });
    readonly conf: Record<string, any>;
    /** Starts it; restarts it if it is started. Throws E_ENDPOINT, E_ARGUMENT or E_SYSTEM. */
    start(): void;
    stop(): void;
  }
}

/** Tags and message types of the protocol, for programs that build messages themselves. */
export const constants: Readonly<Record<
  'WORKER' | 'CLIENT' | 'W_READY' | 'W_REQUEST' | 'W_REPLY' | 'W_HEARTBEAT' | 'W_DISCONNECT' | 'W_REPLY_PARTIAL'
  | 'W_REPLY_REJECT', string
>>;

/** The version of libzmq inside the package, for example `4.3.5`. */
export const libzmqVersion: string;
