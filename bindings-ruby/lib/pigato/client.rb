# frozen_string_literal: true

module Pigato
  # Makes requests. It connects, and reconnects when the connection is lost. Any number of threads and fibers may use
  # it at once. A waiting request lets the others run; `Timeout`, `Thread#raise` and the like interrupt and cancel it.
  class Client
    include Startable

    # Milliseconds, as in the published gem.
    DEFAULT_TIMEOUT = 2500
    # Options that are not passed to the core.
    OWN_OPTIONS = %i[autostart logger symbolize_names].freeze
    # The core's names for the options of {#call}.
    REQUEST_OPTIONS = { retry: "retry", worker_id: "workerId", no_cache: "nocache", fail_fast: "failFast" }.freeze
    NO_OPTIONS = {}.freeze
    private_constant :OWN_OPTIONS, :REQUEST_OPTIONS, :NO_OPTIONS

    # @return [String] the broker's endpoint
    attr_reader :endpoint
    # @return [Hash] the configuration
    attr_reader :conf

    # @param endpoint [String] the broker's endpoint: `tcp://127.0.0.1:55555`
    # @param conf [Hash] `:autostart` (false), `:timeout` of requests in milliseconds (2500), `:logger`, `:symbolize_names`
    #   (false) for the keys of hashes, and the core's options: `:heartbeat`, `:reconnect`, `:retry` …
    def initialize(endpoint = Native::ENDPOINT, conf = {})
      @endpoint = endpoint
      @conf = { timeout: DEFAULT_TIMEOUT }.merge(conf.transform_keys(&:to_sym))
      @log = Log.new(@conf[:logger], "pigato client")
      initialize_startable
      start if @conf[:autostart]
    end

    # Starts it; the broker may start later. Does nothing if it is started. In a child process it starts again what was
    # started before the fork.
    # @return [self]
    # @raise [Error] `E_ENDPOINT`, `E_OPTION`
    def start
      start_once { PendingRequests.new(Native::Client.start(@endpoint, Options.for_core(@conf, OWN_OPTIONS)), @log) }
    end

    # Stops it: pending requests end with {ClosedError}. Does nothing if it is not started, or was started before a fork.
    # @return [void]
    def stop
      take_running&.stop
      nil
    end

    # Makes a request as the published gem does.
    # @param service [String]
    # @param data [Object] sent as JSON
    # @param options [Hash] under their names on the wire, times in milliseconds; the worker receives all of them
    # @return [Object, nil] the reply, or the service's error value; an Array of all replies if there were partial ones;
    #   nil in place of a missing reply
    # @raise [ClosedError] if it is not started
    def request(service, data = nil, options = NO_OPTIONS)
      values = within(StreamedRequest, service, Codec.encode(data, false), Options.for_core(options)) do |call, event|
        published_values(call, event)
      end
      values.length > 1 ? values : values.first
    end

    # Makes a request and waits for its final reply; partial replies are dropped.
    # @param service [String] a name; `name@range` for a version
    # @param data [Object] sent as JSON
    # @param timeout [Numeric] seconds without a reply, `Float::INFINITY` for no limit
    # @param retry [Boolean] whether it may run again if its worker or the connection is lost
    # @param worker_id [String] the identity of the only worker that may answer
    # @param headers [Hash] your own keys, sent to the worker with the request
    # @param raw [Boolean] sends `data`, a String, as bytes
    # @param fail_fast [Boolean] fails with {NoWorkerError} at once instead of waiting for a worker
    # @param no_cache [Boolean] bypasses the broker's cache
    # @return [Object] the worker's reply; a binary String if it sent bytes
    # @raise [Error] usually one of its subclasses
    def call(service, data = nil, **options)
      within(PendingRequest, service, *prepared(data, options)) { |_call, event| value_of(event) }
    end

    # Makes a request and yields its replies as they arrive: the partial ones, and the final one unless it is nil. Reading
    # a stream slowly slows down its worker only. Leaving the block early cancels the request.
    # @param (see #call)
    # @yieldparam part [Object]
    # @return [Object, Enumerator] the final reply; without a block an Enumerator of the replies, which makes the request
    #   when it is first read
    # @raise (see #call)
    def stream(service, data = nil, **options)
      return to_enum(:stream, service, data, **options) unless block_given?

      within(StreamedRequest, service, *prepared(data, options)) do |call, event|
        loop do
          value = value_of(event)
          yield value unless event[2] && value.nil?
          return value if event[2]

          event = call.take
        end
      end
    end

    # Makes a request without waiting for its reply.
    # @param (see #call)
    # @return [Future]
    # @raise [Error] if the request cannot be made
    def async_call(service, data = nil, **options)
      calls = running
      Future.new(calls.open(PendingRequest.new(calls), service.to_s, *prepared(data, options)), method(:value_of))
    end

    # @return [Hash{String => Array<String>}] the workers of each service
    # @raise (see #call)
    def directory(**options)
      call(Native::DIRECTORY_SERVICE, nil, **options)
    end

    # @param service [String]
    # @return [Array<String>] the workers that offer it
    # @raise (see #call)
    def workers(service, **options)
      call(Native::DIRECTORY_SERVICE, service, **options)
    end

    # @return [String] the identity of the present connection at the broker
    def identity
      running.identity
    end

    private

    # Makes a request, yields it with its first event, and cancels it when the block ends. The object exists before the
    # request is sent, so that an interruption can cancel it.
    def within(kind, service, data, options)
      calls = running
      call = kind.new(calls)
      yield call, call.ask(service.to_s, data, options)
    ensure
      call&.cancel
    end

    # Data and options in the core's form.
    def prepared(data, options)
      [Codec.encode(data, options[:raw] ? true : false), request_options(options)]
    end

    def request_options(options)
      return "" if options.empty?

      fields = options.fetch(:headers, {}).transform_keys(&:to_s)
      options.each do |name, value|
        case name
        when :headers then next
        when :raw then fields["codec"] = "raw" if value
        when :timeout then fields["timeout"] = Options.milliseconds(value) unless value.nil?
        else fields[known(name)] = value unless value.nil?
        end
      end
      Codec.generate(fields)
    end

    def known(name)
      REQUEST_OPTIONS.fetch(name) { raise ArgumentError, "unknown keyword: #{name.inspect}" }
    end

    # The value of a reply; raises the error of a failed request.
    def value_of(event)
      return Codec.decode(event[3], event[4], @conf[:symbolize_names]) if event[0] == :reply

      raise failure(*event.drop(3))
    end

    def failure(origin, code, message, data, options)
      return Error.of(code, message) if origin == :local

      details = { origin: origin, options: Codec.options(options),
                  value: Codec.lenient(data, @conf[:symbolize_names]) }
      return Error.of(code, message, **details) if origin == :broker && code

      RemoteError.new(message, code: code, **details)
    end

    # As in the published gem, the error's value stands in for an error: nil if it has no value.
    def published_values(call, event)
      values = []
      loop do
        begin
          values << value_of(event)
        rescue Error => error
          values << error.value
        end
        return values if event[2]

        event = call.take
      end
    end
  end
end
