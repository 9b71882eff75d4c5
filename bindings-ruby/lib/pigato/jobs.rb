# frozen_string_literal: true

module Pigato
  # A request while this worker has it, from delivery to the final reply.
  # @private
  class Job
    attr_reader :number, :request

    def initialize(request)
      @request = request
      @number = request[1]
      @writable = nil
      @is_cancelled = false
    end

    def cancelled?
      @is_cancelled
    end

    # Allocated on first use, under the dispatcher's lock: few jobs write partial replies.
    def writable
      @writable ||= Mailbox.new
    end

    def cancel
      @is_cancelled = true
      writable.push(false)
    end

    def make_writable
      writable.push(true)
    end
  end
  private_constant :Job

  # A started worker, with its jobs.
  # @private
  class Jobs
    include Drainable

    attr_reader :native

    def initialize(native, log)
      @native = native
      @log = log
      @by_number = {}
      @inbox = Mailbox.new
      @dispatcher = Dispatcher.new(native, self, log)
    end

    # The next job that was not cancelled; nil after the deadline, or when the worker has stopped.
    def next(deadline = nil)
      loop do
        job = take(@inbox, deadline)
        return job if job.nil? || !job.cancelled?
      end
    end

    # Waits until a refused partial reply may be sent, or the job is cancelled.
    def wait_writable(job)
      take(@dispatcher.exclusively { job.writable }, nil)
    end

    # Whether a job is known to be cancelled. Processes pending events first, since no thread may be waiting.
    def cancelled?(job)
      take(Mailbox.new, Dispatcher.now) unless job.cancelled?
      job.cancelled?
    end

    def ended(job)
      @by_number.delete(job.number)
    end

    # @see Dispatcher
    def receive(event)
      case event[0]
      when :request then add(event)
      when :cancelled then @by_number.delete(event[1])&.cancel
      when :writable then @by_number[event[1]]&.make_writable
      when :heartbeat then nil # The core counts them.
      else @log.note(event)
      end
    end

    private

    def take(mailbox, deadline)
      @dispatcher.take(mailbox, deadline)
    end

    def add(event)
      job = Job.new(event)
      @by_number[job.number] = job
      @inbox.push(job)
    end
  end
  private_constant :Jobs
end
