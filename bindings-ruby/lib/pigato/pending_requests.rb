# frozen_string_literal: true

module Pigato
  # A request that a client has sent or will send and that has no final reply yet. `deliver` is called under the
  # dispatcher's lock.
  # @private
  class PendingRequest
    attr_accessor :number
    attr_reader :mailbox

    def initialize(calls, mailbox = Outcome.new)
      @calls = calls
      @mailbox = mailbox
      @is_ended = false
    end

    def ended?
      @is_ended
    end

    # Partial replies are dropped.
    def deliver(event)
      return @calls.consumed(@number) unless event[2]

      finish(event)
    end

    # Makes the request and waits for its first event.
    def ask(service, data, options)
      taken(@calls.ask(self, service, data, options))
    end

    # Waits for the next event; nil if none came in time. `C_CLOSED` when none can come.
    def take(deadline = nil)
      taken(@calls.take(@mailbox, deadline))
    end

    def cancel
      @calls.cancel(self) unless @is_ended
    end

    private

    def taken(event)
      raise Error.of("C_CLOSED") if event.nil? && @calls.stopped?

      event
    end

    def finish(event)
      @mailbox.push(event)
      @is_ended = true
    end
  end
  private_constant :PendingRequest

  # A request whose partial replies are queued until they are read.
  # @private
  class StreamedRequest < PendingRequest
    def initialize(calls)
      super(calls, Mailbox.new)
      @unread = 0
      @unread_bytes = 0
    end

    # Workers with flow control stop long before these limits.
    def deliver(event)
      return if @is_ended
      return finish(event) if event[2]
      return overflow unless room_for?(size(event))

      @unread += 1
      @unread_bytes += size(event)
      @mailbox.push(event)
    end

    private

    def taken(event)
      super
      return event if event.nil? || event[2]

      @calls.exclusively do
        @unread -= 1
        @unread_bytes -= size(event)
        @calls.consumed(@number)
      end
      event
    end

    def size(event)
      (event[0] == :reply ? event[4] : event[6]).to_s.bytesize
    end

    # A single partial reply may have any size.
    def room_for?(bytes)
      @unread.zero? || (@unread < Native::UNREAD_PARTIALS && @unread_bytes + bytes <= Native::UNREAD_BYTES)
    end

    def overflow
      @calls.cancel(self)
      finish([:failed, @number, true, :local, "C_BUSY", Error.of("C_BUSY").message, nil, nil])
    end
  end
  private_constant :StreamedRequest

  # A started client, with its pending requests.
  # @private
  class PendingRequests
    include Running

    def initialize(native, log)
      @native = native
      @log = log
      @by_number = {}
      @dispatcher = Dispatcher.new(native, self, log)
    end

    # Makes a request; its events are delivered to `call`.
    def open(call, service, data, options)
      @native.refuse_fork
      @dispatcher.exclusively { request(call, service, data, options) }
      call
    end

    # Makes a request and waits for its first event; nil if none can come.
    def ask(call, service, data, options)
      @native.refuse_fork
      @dispatcher.take(call.mailbox) { request(call, service, data, options) }
    end

    def take(mailbox, deadline)
      @dispatcher.take(mailbox, deadline)
    end

    def exclusively(&block)
      @dispatcher.exclusively(&block)
    end

    # Lets the worker send one more partial reply.
    def consumed(number)
      @native.consumed(number, 1) unless stopped?
    rescue ClosedError
      nil # The client has stopped.
    end

    # The request's last event follows.
    def cancel(call)
      @native.cancel(call.number) unless call.number.nil? || stopped?
    rescue ClosedError, ForkError
      nil # The request has ended.
    end

    def identity
      @native.identity
    end

    # Pending requests end with C_CLOSED.
    def stop
      begin
        @native.stop unless stopped?
      rescue ClosedError
        nil # Another thread has stopped it.
      end
      wait_stopped
    end

    # @see Dispatcher
    def receive(event)
      kind, number, is_final = event
      return @log.note(event) unless kind == :reply || kind == :failed

      @by_number[number]&.deliver(event)
      @by_number.delete(number) if is_final
    end

    private

    # Under the lock: the call is registered before its first event.
    def request(call, service, data, options)
      call.number = @native.request(service, data, options)
      @by_number[call.number] = call
    end
  end
  private_constant :PendingRequests
end
