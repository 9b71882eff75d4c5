# frozen_string_literal: true

module Pigato
  # Makes requests. It connects by itself, and again whenever the connection is lost. May be used by any number of threads
  # and fibers at once; a request that waits lets the others run, and is interrupted by `Timeout`, `Thread#raise` and the
  # like, which cancel it.
  class Client
    include Life

    # Milliseconds; as the published gem has it.
    DEFAULT_TIMEOUT = 2500
    # What is not the core's business.
    OWN_OPTIONS = %i[autostart logger symbolize_names].freeze
    # How `call` names what a request may be told, and the core.
    REQUEST_OPTIONS = { retry: "retry", worker_id: "workerId", no_cache: "nocache", fail_fast: "failFast" }.freeze
    NO_OPTIONS = {}.freeze
    private_constant :OWN_OPTIONS, :REQUEST_OPTIONS, :NO_OPTIONS

    # @return [String] where the broker is
    attr_reader :endpoint
    # @return [Hash] the configuration
    attr_reader :conf

    # @param endpoint [String] where the broker is: `tcp://127.0.0.1:55555`
    # @param conf [Hash] `:autostart` (false), `:timeout` of requests in milliseconds (2500), `:logger`, `:symbolize_names`
    #   (false) for the keys of hashes, and options of the core's: `:heartbeat`, `:reconnect`, `:retry` …
    def initialize(endpoint = Native::ENDPOINT, conf = {})
      @endpoint = endpoint
      @conf = { timeout: DEFAULT_TIMEOUT }.merge(conf.transform_keys(&:to_sym))
      @log = Log.new(@conf[:logger], "pigato client")
      initialize_life
      start if @conf[:autostart]
    end

    # Starts it; a broker that is not there yet is no error. Does nothing if it is started. In a child process it starts
    # anew what was started before the fork.
    # @return [self]
    # @raise [Error] `E_ENDPOINT`, `E_OPTION`
    def start
      begin_life { Calls.new(Native::Client.start(@endpoint, Options.for_core(@conf, OWN_OPTIONS)), @log) }
    end

    # Stops it: what is unanswered ends with {ClosedError}. Does nothing if it is not started, or was before a fork.
    # @return [void]
    def stop
      end_life&.stop
      nil
    end

    # Makes a request as the published gem does.
    # @param service [String]
    # @param data [Object] is sent as JSON
    # @param options [Hash] by their names on the wire, times in milliseconds; the worker is handed all of them
    # @return [Object, nil] the reply, or the error value that the service answered with; an Array of all replies if there were
    #   partial ones; nil in place of a reply that did not come
    # @raise [ClosedError] if it is not started
    def request(service, data = nil, options = NO_OPTIONS)
      values = within(StreamCall, service, Codec.encode(data, false), Options.for_core(options)) do |call, event|
        published_values(call, event)
      end
      values.length > 1 ? values : values.first
    end

    # Makes a request and waits for its final reply; partial replies are passed over.
    # @param service [String] a name; `name@range` for a version
    # @param data [Object] is sent as JSON
    # @param timeout [Numeric] seconds without a reply, `Float::INFINITY` for no end
    # @param retry [Boolean] whether it may run twice, should its worker or the connection be lost
    # @param worker_id [String] the one worker that is to answer
    # @param headers [Hash] keys of your own that the worker is handed with the request
    # @param raw [Boolean] sends `data`, a String, as bytes
    # @param fail_fast [Boolean] fails with {NoWorkerError} at once instead of waiting for a worker
    # @param no_cache [Boolean] passes by the broker's cache
    # @return [Object] what the worker replied; a binary String if it sent bytes
    # @raise [Error] one of its subclasses mostly
    def call(service, data = nil, **options)
      within(Call, service, *prepared(data, options)) { |_call, event| value_of(event) }
    end

    # Makes a request and gives its replies as they come: the partial ones, and the final one unless it is nil. A stream
    # that is read slowly slows its own worker down, and nothing else. Leaving the block early cancels the request.
    # @param (see #call)
    # @yieldparam part [Object]
    # @return [Object, Enumerator] the final reply; without a block an Enumerator of the replies, which makes the request
    #   when it is first asked
    # @raise (see #call)
    def stream(service, data = nil, **options)
      return to_enum(:stream, service, data, **options) unless block_given?

      within(StreamCall, service, *prepared(data, options)) do |call, event|
        loop do
          value = value_of(event)
          yield value unless event[2] && value.nil?
          return value if event[2]

          event = call.take
        end
      end
    end

    # Makes a request and does not wait for it.
    # @param (see #call)
    # @return [Future]
    # @raise [Error] if the request cannot even be made
    def async_call(service, data = nil, **options)
      calls = life
      Future.new(calls.open(Call.new(calls), service.to_s, *prepared(data, options)), method(:value_of))
    end

    # @return [Hash{String => Array<String>}] which workers offer which service
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

    # @return [String] under which name the broker knows the present connection
    def identity
      life.identity
    end

    private

    # Makes a request that does not outlive the block, which is given the call and its first event. The call is there before
    # the request is, so that whatever interrupts this finds it.
    def within(kind, service, data, options)
      calls = life
      call = kind.new(calls)
      yield call, call.ask(service.to_s, data, options)
    ensure
      call&.cancel
    end

    # Data and options as the core takes them.
    def prepared(data, options)
      [Codec.encode(data, options[:raw] ? true : false), request_options(options)]
    end

    def request_options(options)
      return "" if options.empty?

      told = options.fetch(:headers, {}).transform_keys(&:to_s)
      options.each do |name, value|
        case name
        when :headers then next
        when :raw then told["codec"] = "raw" if value
        when :timeout then told["timeout"] = Options.milliseconds(value) unless value.nil?
        else told[known(name)] = value unless value.nil?
        end
      end
      Codec.generate(told)
    end

    def known(name)
      REQUEST_OPTIONS.fetch(name) { raise ArgumentError, "unknown keyword: #{name.inspect}" }
    end

    # The value of a reply; raises what the request failed with.
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

    # What the published gem makes of an error: its value, or nothing.
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
