# frozen_string_literal: true

module Pigato
  # Hands requests to workers. It runs on a thread of the core, independently of Ruby's threads.
  class Broker
    include Startable
    include DrainingStop

    OWN_OPTIONS = %i[autostart logger].freeze
    private_constant :OWN_OPTIONS

    # @return [Hash] the configuration
    attr_reader :conf

    # @param endpoints [String, Array<String>] the endpoints that it listens on: `tcp://0.0.0.0:55555`,
    #   `tcp://127.0.0.1:*` for any free port
    # @param conf [Hash] `:autostart` (false), `:logger`, and the core's options: `:heartbeat`, `:intch` (nil for none) …
    def initialize(endpoints = [], conf = {})
      @wanted = Array(endpoints)
      @conf = conf.transform_keys(&:to_sym)
      @log = Log.new(@conf[:logger], "pigato broker")
      initialize_startable
      start if @conf[:autostart]
    end

    # Starts it and returns when it listens. Does nothing if it is started.
    # @return [self]
    # @raise [Error] `E_ENDPOINT` for an endpoint that it cannot listen on, `E_OPTION`
    def start
      start_once { RunningBroker.new(Native::Broker.start(@wanted, Options.for_core(@conf, OWN_OPTIONS)), @log) }
    end

    # Starts it if it is not started, and waits until it is stopped. INT and TERM stop it once the accepted requests
    # are answered; a second signal has its former effect.
    # @param drain [Numeric] seconds for accepted requests to be answered after a signal
    # @return [void]
    def run(drain: Native::DRAIN_MS / 1000.0)
      start
      serving = running
      Signals.stopping(-> { serving.begin_stop(Options.milliseconds(drain)) }) { serving.wait_stopped }
      nil
    ensure
      stop
    end

    # @return [String] the endpoint that it listens on; the first of several
    def endpoint
      endpoints.first
    end

    # @return [Array<String>] the endpoints that it listens on, with actual ports in place of `*`
    def endpoints
      running.native.endpoints
    end

    # @return [String, nil] the endpoint where it publishes for core services
    def intch
      running.native.intch
    end

    # @return [Hash{Symbol => Integer}] counters since the start, and present totals
    def statistics
      Codec.parse(running.native.statistics, true)
    end

    # @return [Hash{String => Array<String>}] the workers of each service
    def directory
      Codec.parse(running.native.directory, false)
    end
  end

  # A started broker.
  # @private
  class RunningBroker
    include Drainable

    attr_reader :native

    def initialize(native, log)
      @native = native
      @log = log
      @dispatcher = Dispatcher.new(native, self, log)
    end

    # @see Dispatcher
    def receive(event)
      @log.note(event)
    end
  end
  private_constant :RunningBroker
end
