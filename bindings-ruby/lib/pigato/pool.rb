# frozen_string_literal: true

module Pigato
  # Threads that each run the handler for one job after the other until the worker has stopped.
  # @private
  class Pool
    def initialize(jobs, size, symbolize_names, log, handler)
      @jobs = jobs
      @symbolize_names = symbolize_names
      @log = log
      @handler = handler
      @is_finished = false
      @threads = []
      size.times { add }
    end

    # Kills handlers that still run when the worker has stopped.
    def finish
      @is_finished = true
      others = @threads.reject { |thread| thread.equal?(Thread.current) }
      others.each(&:kill)
      others.each(&:join)
    end

    private

    def add
      thread = Thread.new { work }
      thread.name = "pigato-worker"
      thread.report_on_exception = false
      @threads << thread
    end

    def work
      while (job = @jobs.next)
        Handling.new(@jobs, job, @log).run(@symbolize_names, @handler)
      end
    ensure
      replace unless @is_finished || @jobs.stopped?
    end

    # A handler may end its thread.
    def replace
      @threads.delete(Thread.current)
      add
    rescue ThreadError
      nil # The program is exiting.
    end
  end
  private_constant :Pool

  # One run of a handler.
  # @private
  class Handling
    def initialize(jobs, job, log)
      @jobs = jobs
      @reply = Reply.new(jobs, job, false)
      @job = job
      @log = log
    end

    def run(symbolize_names, handler)
      request = Request.new(@job.request, symbolize_names)
      @reply = Reply.new(@jobs, @job, request.raw?)
      value = handler.call(request, @reply)
      conclude { @reply.finish(value) }
    rescue StandardError, ScriptError, SystemStackError, NoMemoryError => error
      @log.error("the handler failed: #{error.full_message(highlight: false)}") unless error.is_a?(CancelledError)
      conclude { @reply.fail(error.message) }
    ensure
      conclude { @reply.fail("the handler ended without a final reply") }
    end

    private

    def conclude
      yield unless @reply.ended?
    rescue CancelledError, ClosedError
      nil # The job was cancelled.
    end
  end
  private_constant :Handling
end
