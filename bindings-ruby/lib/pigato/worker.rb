# frozen_string_literal: true

module Pigato
  # Offers a service. It connects, and reconnects when the connection is lost. Heartbeats continue whatever handlers do.
  # Any number of threads and fibers may use it at once.
  class Worker
    include Startable
    include DrainingStop

    # Milliseconds, as in the published gem.
    DEFAULTS = { timeout: 2500, reconnect: 2500 }.freeze
    # Options that are not passed to the core.
    OWN_OPTIONS = %i[autostart timeout logger symbolize_names].freeze
    # Threads of {#run}.
    DEFAULT_CONCURRENCY = 8
    private_constant :DEFAULTS, :OWN_OPTIONS, :DEFAULT_CONCURRENCY

    # @return [String] the broker's endpoint
    attr_reader :endpoint
    # @return [String] the offered service
    attr_reader :service
    # @return [Hash] the configuration
    attr_reader :conf

    # @param endpoint [String] the broker's endpoint: `tcp://127.0.0.1:55555`
    # @param service [String] a name, which may be a wildcard (`ech*`) or a version (`echo@1.2.3`)
    # @param conf [Hash] `:autostart` (false), `:timeout` of {#recv} in milliseconds (2500), `:logger`, `:symbolize_names`
    #   (false) for the keys of hashes, and the core's options: `:reconnect` (2500), `:concurrency`, `:heartbeat` …
    def initialize(endpoint, service, conf = {})
      @endpoint = endpoint
      @service = service
      @conf = DEFAULTS.merge(conf.transform_keys(&:to_sym))
      @log = Log.new(@conf[:logger], "pigato worker #{service}")
      @received = :"pigato_received_#{object_id}"
      initialize_startable
      start if @conf[:autostart]
    end

    # Starts it; the broker may start later. Does nothing if it is started. In a child process it starts again what was
    # started before the fork.
    # @return [self]
    # @raise [Error] `E_ENDPOINT`, `E_OPTION`
    def start
      start_with(@conf)
    end

    # Waits for the next request, up to `conf[:timeout]`. The same thread or fiber answers it with {#reply}.
    # @return [Object, nil] its data; nil if none arrived
    # @raise [ClosedError] if the worker is not started
    def recv
      Thread.current[@received] = nil
      jobs = running
      deadline = Dispatcher.deadline(@conf[:timeout] / 1000.0)
      while (job = jobs.next(deadline))
        request = read(jobs, job)
        return request.data if request
      end
    end

    # Answers the request that this thread or fiber received last.
    # @param value [Object]
    # @return [Boolean] whether there was such a request and it was not cancelled
    def reply(value)
      reply = Thread.current[@received]
      return false if reply.nil?

      Thread.current[@received] = nil
      reply.finish(value)
      true
    rescue CancelledError, ClosedError
      false
    end

    # Starts the worker if it is not started, and runs the handler for each request on a pool of threads until it is
    # stopped. The handler's return value is the final reply, unless the handler has sent one; an exception becomes an
    # error `W_HANDLER`. INT and TERM stop it once its jobs are answered; a second signal has its former effect.
    # @param concurrency [Integer] the number of concurrent requests
    # @param drain [Numeric] seconds for jobs to be answered after a signal; then running handlers are killed
    # @param signals [Boolean] whether INT and TERM stop it
    # @yieldparam request [Request]
    # @yieldparam reply [Reply]
    # @return [void]
    def run(concurrency: DEFAULT_CONCURRENCY, drain: Native::DRAIN_MS / 1000.0, signals: true, &handler)
      raise ArgumentError, "run takes a block" if handler.nil?

      start_with(@conf.merge(concurrency: concurrency))
      jobs = running
      # It may have been started with another concurrency.
      jobs.native.concurrency = Options.for_core({ concurrency: concurrency })
      stopping(jobs, Options.milliseconds(drain), signals) { work(jobs, concurrency, handler) }
      nil
    end

    # Sends the broker a heartbeat now, in addition to the regular ones.
    # @return [void]
    def heartbeat
      running.native.heartbeat
    end

    # @return [String] the identity of the present connection at the broker: the `worker_id` of requests
    def identity
      running.native.identity
    end

    private

    def start_with(conf)
      start_once do
        Jobs.new(Native::Worker.start(@endpoint, @service, Options.for_core(conf, OWN_OPTIONS)), @log)
      end
    end

    # An unreadable request is the client's fault: it fails at once and is not returned.
    def read(jobs, job)
      request = Request.new(job.request, @conf[:symbolize_names])
      Thread.current[@received] = Reply.new(jobs, job, request.raw?)
      request
    rescue ProtocolError => error
      Reply.new(jobs, job, false).fail(error.message)
      nil
    end

    def stopping(jobs, drain_ms, signals, &block)
      return yield unless signals

      Signals.stopping(-> { jobs.begin_stop(drain_ms) }, &block)
    end

    def work(jobs, concurrency, handler)
      pool = Pool.new(jobs, concurrency, @conf[:symbolize_names], @log, handler)
      jobs.wait_stopped
    ensure
      stop
      pool&.finish
    end
  end
end
