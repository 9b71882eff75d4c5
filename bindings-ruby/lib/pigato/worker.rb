# frozen_string_literal: true

module Pigato
  # Offers a service. It connects by itself, and again whenever the connection is lost; heartbeats go on whatever handlers do.
  # May be used by any number of threads and fibers at once.
  class Worker
    include Life
    include Drained

    # Milliseconds; as the published gem has it.
    DEFAULTS = { timeout: 2500, reconnect: 2500 }.freeze
    # What is not the core's business.
    OWN_OPTIONS = %i[autostart timeout logger symbolize_names].freeze
    # Threads of {#run}.
    DEFAULT_CONCURRENCY = 8
    private_constant :DEFAULTS, :OWN_OPTIONS, :DEFAULT_CONCURRENCY

    # @return [String] where the broker is
    attr_reader :endpoint
    # @return [String] what is offered
    attr_reader :service
    # @return [Hash] the configuration
    attr_reader :conf

    # @param endpoint [String] where the broker is: `tcp://127.0.0.1:55555`
    # @param service [String] a name, which may be a wildcard (`ech*`) or a version (`echo@1.2.3`)
    # @param conf [Hash] `:autostart` (false), `:timeout` of {#recv} in milliseconds (2500), `:logger`, `:symbolize_names`
    #   (false) for the keys of hashes, and options of the core's: `:reconnect` (2500), `:concurrency`, `:heartbeat` …
    def initialize(endpoint, service, conf = {})
      @endpoint = endpoint
      @service = service
      @conf = DEFAULTS.merge(conf.transform_keys(&:to_sym))
      @log = Log.new(@conf[:logger], "pigato worker #{service}")
      @received = :"pigato_received_#{object_id}"
      initialize_life
      start if @conf[:autostart]
    end

    # Starts it; a broker that is not there yet is no error. Does nothing if it is started. In a child process it starts
    # anew what was started before the fork.
    # @return [self]
    # @raise [Error] `E_ENDPOINT`, `E_OPTION`
    def start
      start_with(@conf)
    end

    # Waits for the next request, for `conf[:timeout]`. The thread or fiber that has received it answers it by {#reply}.
    # @return [Object, nil] its data; nil if none came
    # @raise [ClosedError] if the worker is not started
    def recv
      Thread.current[@received] = nil
      jobs = life
      deadline = Dispatcher.deadline(@conf[:timeout] / 1000.0)
      while (job = jobs.next(deadline))
        request = read(jobs, job)
        return request.data if request
      end
    end

    # Answers the request that this thread or fiber has received last.
    # @param value [Object]
    # @return [Boolean] whether there was one, and somebody who waits for its reply
    def reply(value)
      reply = Thread.current[@received]
      return false if reply.nil?

      Thread.current[@received] = nil
      reply.finish(value)
      true
    rescue CancelledError, ClosedError
      false
    end

    # Runs a handler for each request, on threads, until the worker is stopped; starts it if it is not. What the handler
    # returns is the final reply, unless it has given one; what it raises becomes an error `W_HANDLER`. INT and TERM stop
    # it once what it has is answered, and do what they did before when they come again.
    # @param concurrency [Integer] how many requests are handled at a time
    # @param drain [Numeric] seconds that live requests have to be answered in after a signal; handlers that still run then are
    #   killed
    # @param signals [Boolean] whether INT and TERM stop it
    # @yieldparam request [Request]
    # @yieldparam reply [Reply]
    # @return [void]
    def run(concurrency: DEFAULT_CONCURRENCY, drain: Native::DRAIN_MS / 1000.0, signals: true, &handler)
      raise ArgumentError, "run takes a block" if handler.nil?

      start_with(@conf.merge(concurrency: concurrency))
      jobs = life
      # It may have been started with another one before.
      jobs.native.concurrency = Options.for_core({ concurrency: concurrency })
      stopping(jobs, Options.milliseconds(drain), signals) { work(jobs, concurrency, handler) }
      nil
    end

    # Sends the broker a sign of life now. Happens by itself once a heartbeat interval.
    # @return [void]
    def heartbeat
      life.native.heartbeat
    end

    # @return [String] under which name the broker knows the present connection: the `worker_id` of requests
    def identity
      life.native.identity
    end

    private

    def start_with(conf)
      begin_life do
        Jobs.new(Native::Worker.start(@endpoint, @service, Options.for_core(conf, OWN_OPTIONS)), @log)
      end
    end

    # A request that cannot be read is answered at once: its sender is wrong, and not this program.
    def read(jobs, job)
      request = Request.new(job.asked, @conf[:symbolize_names])
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
