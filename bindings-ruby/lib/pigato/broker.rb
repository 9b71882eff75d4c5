# frozen_string_literal: true

module Pigato
  # Hands requests to workers. It runs on the core's thread, whatever Ruby does.
  class Broker
    include Life
    include Drained

    OWN_OPTIONS = %i[autostart logger].freeze
    private_constant :OWN_OPTIONS

    # @return [Hash] the configuration
    attr_reader :conf

    # @param endpoints [String, Array<String>] where it listens: `tcp://0.0.0.0:55555`, `tcp://127.0.0.1:*` for any free port
    # @param conf [Hash] `:autostart` (false), `:logger`, and options of the core's: `:heartbeat`, `:intch` (nil for none) …
    def initialize(endpoints = [], conf = {})
      @wanted = Array(endpoints)
      @conf = conf.transform_keys(&:to_sym)
      @log = Log.new(@conf[:logger], "pigato broker")
      initialize_life
      start if @conf[:autostart]
    end

    # Starts it: when this returns it listens. Does nothing if it is started.
    # @return [self]
    # @raise [Error] `E_ENDPOINT` for a place where it cannot listen, `E_OPTION`
    def start
      begin_life { Serving.new(Native::Broker.start(@wanted, Options.for_core(@conf, OWN_OPTIONS)), @log) }
    end

    # Starts it if it is not, and waits until it is stopped. INT and TERM stop it once what it has accepted is answered, and do
    # what they did before when they come again.
    # @param drain [Numeric] seconds that accepted requests have to be answered in after a signal
    # @return [void]
    def run(drain: Native::DRAIN_MS / 1000.0)
      start
      serving = life
      Signals.stopping(-> { serving.begin_stop(Options.milliseconds(drain)) }) { serving.wait_stopped }
      nil
    ensure
      stop
    end

    # @return [String] where it listens; the first place, if there are several
    def endpoint
      endpoints.first
    end

    # @return [Array<String>] where it listens, with the ports that `*` became
    def endpoints
      life.native.endpoints
    end

    # @return [String, nil] where it publishes for core services
    def intch
      life.native.intch
    end

    # @return [Hash{Symbol => Integer}] counters since the start, and what there is now
    def statistics
      Codec.parse(life.native.statistics, true)
    end

    # @return [Hash{String => Array<String>}] which workers offer which service
    def directory
      Codec.parse(life.native.directory, false)
    end
  end

  # One life of a broker.
  # @private
  class Serving
    include Draining

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
  private_constant :Serving
end
