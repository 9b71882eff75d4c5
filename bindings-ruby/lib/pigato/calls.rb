# frozen_string_literal: true

module Pigato
  # One request as its maker sees it. `deliver` is called under the dispatcher's lock.
  # @private
  class Call
    attr_accessor :token
    attr_reader :mailbox

    def initialize(calls, mailbox = Outcome.new)
      @calls = calls
      @mailbox = mailbox
      @is_ended = false
    end

    def ended?
      @is_ended
    end

    # Partial replies pass.
    def deliver(event)
      return @calls.consumed(@token) unless event[2]

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
      @is_ended = true
      @mailbox.push(event)
    end
  end
  private_constant :Call

  # A request whose partial replies are kept until they are read.
  # @private
  class StreamCall < Call
    def initialize(calls)
      super(calls, Mailbox.new)
      @unread = 0
      @unread_bytes = 0
    end

    # Workers that know of back-pressure stop long before the bounds.
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
        @calls.consumed(@token)
      end
      event
    end

    def size(event)
      (event[0] == :reply ? event[4] : event[6]).to_s.bytesize
    end

    # One partial reply alone may always wait.
    def room_for?(bytes)
      @unread.zero? || (@unread < Native::UNREAD_PARTIALS && @unread_bytes + bytes <= Native::UNREAD_BYTES)
    end

    def overflow
      @calls.cancel(self)
      finish([:failed, @token, true, :local, "C_BUSY", Error.of("C_BUSY").message, nil, nil])
    end
  end
  private_constant :StreamCall

  # The requests of one client's life.
  # @private
  class Calls
    include Running

    def initialize(native, log)
      @native = native
      @log = log
      @by_token = {}
      @dispatcher = Dispatcher.new(native, self, log)
    end

    # Makes a request; its events go to the call.
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
    def consumed(token)
      @native.consumed(token, 1) unless stopped?
    rescue ClosedError
      nil # Nobody sends any more.
    end

    # The last event of the request follows.
    def cancel(call)
      @native.cancel(call.token) unless call.token.nil? || stopped?
    rescue ClosedError, ForkError
      nil # There is nothing to cancel any more.
    end

    def identity
      @native.identity
    end

    # Everything unanswered ends with C_CLOSED.
    def stop
      begin
        @native.stop unless stopped?
      rescue ClosedError
        nil # Somebody else has stopped it and will see the end of it.
      end
      wait_stopped
    end

    # @see Dispatcher
    def receive(event)
      kind, token, is_final = event
      return @log.note(event) unless kind == :reply || kind == :failed

      call = is_final ? @by_token.delete(token) : @by_token[token]
      call&.deliver(event)
    end

    private

    # Under the lock, so that no event comes before its call is known.
    def request(call, service, data, options)
      call.token = @native.request(service, data, options)
      @by_token[call.token] = call
    end
  end
  private_constant :Calls
end
