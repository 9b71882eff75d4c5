# frozen_string_literal: true

module Pigato
  # Threads that run a handler for one request after the other, until the worker has stopped.
  # @private
  class Pool
    def initialize(jobs, size, symbolize_names, log, handler)
      @jobs = jobs
      @symbolize_names = symbolize_names
      @log = log
      @handler = handler
      @threads = Array.new(size) { |index| Thread.new { work(index) } }
    end

    # Those that still run when the worker has stopped had their time.
    def finish
      @threads.each { |thread| thread.kill unless thread.equal?(Thread.current) }
      @threads.each { |thread| thread.join unless thread.equal?(Thread.current) }
    end

    private

    def work(index)
      Thread.current.name = "pigato-worker-#{index}"
      Thread.current.report_on_exception = false
      while (job = @jobs.next)
        Handling.new(@jobs, job, @log).run(@symbolize_names, @handler)
      end
    end
  end
  private_constant :Pool

  # One run of a handler.
  # @private
  class Handling
    def initialize(jobs, job, log)
      @jobs = jobs
      @reply = Reply.new(jobs, job)
      @job = job
      @log = log
    end

    def run(symbolize_names, handler)
      request = Request.new(@job.asked, symbolize_names)
      @reply = Reply.new(@jobs, @job, raw: request.raw?)
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
      nil # Nobody waits for it any more.
    end
  end
  private_constant :Handling
end
