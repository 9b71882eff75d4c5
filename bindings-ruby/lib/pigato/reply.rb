# frozen_string_literal: true

module Pigato
  # Answers one request: any number of partial replies, then one final reply, error or rejection. May be used on any thread.
  #
  # `raw: true` sends a String as bytes, which is the default for Strings where the client sent bytes; `cache:` are seconds
  # that the broker may give this reply to the same request; `headers:` are keys of your own that the client is handed.
  class Reply
    # @private
    def initialize(jobs, job, raw)
      @jobs = jobs
      @job = job
      @raw = raw
      @is_ended = false
    end

    # Sends a partial reply. Waits while the client has not read enough of the earlier ones.
    # @param value [Object]
    # @return [self]
    # @raise [CancelledError] when nobody wants it any more
    # @raise [ClosedError] after the final reply, or when the worker has stopped
    def write(value, raw: nil, cache: nil, headers: nil)
      data, options = encoded(value, raw, cache, headers)
      expecting_life do
        @jobs.wait_writable(@job) until @jobs.native.write(@job.token, data, options)
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
      conclude { @jobs.native.finish(@job.token, data, options) }
    end

    # Sends an error value as the final reply.
    # @param value [Object]
    # @return [void]
    # @raise (see #write)
    def error(value, raw: nil, cache: nil, headers: nil)
      data, options = encoded(value, raw, cache, headers)
      conclude { @jobs.native.error(@job.token, data, options) }
    end

    # Has another worker answer.
    # @param reason [Object] for the broker
    # @return [void]
    # @raise (see #write)
    def reject(reason = nil)
      conclude { @jobs.native.reject(@job.token, Codec.generate(reason)) }
    end

    # Ends the request as a failed handler does: with `W_HANDLER` and this message.
    # @param message [String]
    # @return [void]
    # @raise (see #write)
    def fail(message)
      conclude { @jobs.native.fail(@job.token, message.to_s) }
    end

    # @return [Boolean] whether the reply is still wanted, as far as is known: it has not ended, and the client has said so
    #   within the last heartbeats, which published clients do not
    def active?
      !@is_ended && !@jobs.stopped? && @jobs.native.wanted?(@job.token)
    end

    # @return [Boolean] whether nobody wants the reply any more, though it has not ended: the client gave it up or is gone, its
    #   time is over, or the worker has stopped
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
      told = headers ? headers.transform_keys(&:to_s) : {}
      told["codec"] = "raw" if raw
      told["cache"] = Options.milliseconds(cache) if cache
      told.empty? ? Codec::EMPTY : Codec.generate(told)
    end

    def conclude(&send)
      expecting_life(&send)
      @is_ended = true
      @jobs.ended(@job)
      nil
    end

    # A request that is not live has ended here, or is not wanted any more.
    def expecting_life
      raise Error.of("C_CLOSED", "C_CLOSED: the request was answered already") if @is_ended

      yield
    rescue ClosedError
      raise if @is_ended || @jobs.stopped?

      raise Error.of("C_CANCELLED")
    end
  end
end
