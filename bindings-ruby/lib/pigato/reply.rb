# frozen_string_literal: true

module Pigato
  # Answers one request: any number of partial replies, then one final reply, error or rejection. May be used on any thread.
  #
  # `raw: true` sends a String as bytes, the default for Strings if the client sent bytes. `cache:` is the number of
  # seconds for which the broker may answer equal requests with this reply. `headers:` are your own keys for the client.
  class Reply
    # @private
    def initialize(jobs, job, raw)
      @jobs = jobs
      @job = job
      @raw = raw
      @is_ended = false
    end

    # Sends a partial reply. Waits until the client has read enough of the earlier ones.
    # @param value [Object]
    # @return [self]
    # @raise [CancelledError] when the request was cancelled
    # @raise [ClosedError] after the final reply, or when the worker has stopped
    def write(value, raw: nil, cache: nil, headers: nil)
      data, options = encoded(value, raw, cache, headers)
      expecting_job do
        @jobs.wait_writable(@job) until @jobs.native.write(@job.number, data, options)
      end
      self
    end
    alias << write

    # Sends the final reply.
    # @param value [Object]
    # @return [void]
    # @raise (see #write)
    def finish(value = nil, raw: nil, cache: nil, headers: nil)
      data, options = encoded(value, raw, cache, headers)
      conclude { @jobs.native.finish(@job.number, data, options) }
    end

    # Sends an error value as the final reply.
    # @param value [Object]
    # @return [void]
    # @raise (see #write)
    def error(value, raw: nil, cache: nil, headers: nil)
      data, options = encoded(value, raw, cache, headers)
      conclude { @jobs.native.error(@job.number, data, options) }
    end

    # Returns the request to the broker for another worker.
    # @param reason [Object] sent to the broker
    # @return [void]
    # @raise (see #write)
    def reject(reason = nil)
      conclude { @jobs.native.reject(@job.number, Codec.generate(reason)) }
    end

    # Ends the request with `W_HANDLER` and this message, as a failed handler does.
    # @param message [String]
    # @return [void]
    # @raise (see #write)
    def fail(message)
      conclude { @jobs.native.fail(@job.number, message.to_s) }
    end

    # @return [Boolean] whether the request has not ended and the client's heartbeats for it arrive; published clients
    #   send none
    def active?
      !@is_ended && !@jobs.stopped? && @jobs.native.wanted?(@job.number)
    end

    # @return [Boolean] whether the request ended without a reply: the client cancelled it or is gone, it timed out, or the
    #   worker has stopped
    def cancelled?
      !@is_ended && (@jobs.stopped? || @jobs.cancelled?(@job))
    end

    # @return [Boolean] whether the final reply, error or rejection was sent
    def ended?
      @is_ended
    end

    private

    def encoded(value, raw, cache, headers)
      raw = @raw && value.is_a?(String) if raw.nil?
      [Codec.encode(value, raw), raw || cache || headers ? options(raw, cache, headers) : Codec::EMPTY]
    end

    def options(raw, cache, headers)
      fields = headers ? headers.transform_keys(&:to_s) : {}
      fields["codec"] = "raw" if raw
      fields["cache"] = Options.milliseconds(cache) if cache
      fields.empty? ? Codec::EMPTY : Codec.generate(fields)
    end

    def conclude(&send)
      expecting_job(&send)
      @is_ended = true
      @jobs.ended(@job)
      nil
    end

    # Translates `C_CLOSED` for a job that the core does not have: it has ended here or was cancelled.
    def expecting_job
      raise Error.of("C_CLOSED", "C_CLOSED: the request was already answered") if @is_ended

      yield
    rescue ClosedError
      raise if @is_ended || @jobs.stopped?

      raise Error.of("C_CANCELLED")
    end
  end
end
