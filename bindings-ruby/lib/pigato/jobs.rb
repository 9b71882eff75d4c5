# frozen_string_literal: true

module Pigato
  # A request while it is answered. `deliver` is called under the dispatcher's lock.
  # @private
  class Job
    attr_reader :token, :asked

    def initialize(asked)
      @asked = asked
      @token = asked[1]
      @writable = nil
      @is_cancelled = false
    end

    def cancelled?
      @is_cancelled
    end

    # Made when it is first asked for, which is under the dispatcher's lock: few write partial replies.
    def writable
      @writable ||= Mailbox.new
    end

    def cancel
      @is_cancelled = true
      writable.push(false)
    end

    def tell_writable
      writable.push(true)
    end
  end
  private_constant :Job

  # The requests of one worker's life.
  # @private
  class Jobs
    include Draining

    attr_reader :native

    def initialize(native, log)
      @native = native
      @log = log
      @by_token = {}
      @inbox = Mailbox.new
      @dispatcher = Dispatcher.new(native, self, log)
    end

    # The next request that somebody still waits for; nil if none came in time, or none can come.
    def next(deadline = nil)
      loop do
        job = take(@inbox, deadline)
        return job if job.nil? || !job.cancelled?
      end
    end

    # Waits until a partial reply that was refused may be sent, or is not wanted any more.
    def wait_writable(job)
      take(@dispatcher.exclusively { job.writable }, nil)
    end

    # Whether a request is known to be cancelled. Looks at what has come, as nobody may be waiting.
    def cancelled?(job)
      take(Mailbox.new, Dispatcher.now) unless job.cancelled?
      job.cancelled?
    end

    def ended(job)
      @by_token.delete(job.token)
    end

    # @see Dispatcher
    def receive(event)
      case event[0]
      when :request then asked(event)
      when :cancelled then @by_token.delete(event[1])&.cancel
      when :writable then @by_token[event[1]]&.tell_writable
      when :heartbeat then nil # The core counts them.
      else @log.note(event)
      end
    end

    private

    def take(mailbox, deadline)
      @dispatcher.take(mailbox, deadline)
    end

    def asked(event)
      job = Job.new(event)
      @by_token[job.token] = job
      @inbox.push(job)
    end
  end
  private_constant :Jobs
end
