# frozen_string_literal: true

require "json"

# What every client of the comparison does: so many requests, spread over threads; a tenth more before, which is not counted.
module Load
  Thread.report_on_exception = false

  BODY = "aaa"

  module_function

  # Makes the requests by blocks, one that `maker` gives for each thread, and writes what they took.
  def run(requests, threads, &maker)
    makers = Array.new(threads, &maker)
    spread(makers, requests / 10)
    started = now
    latencies = spread(makers, requests)
    took = now - started
    latencies.sort!
    puts JSON.generate(requests_per_second: latencies.length / took, p50_microseconds: quantile(latencies, 0.5),
                       p99_microseconds: quantile(latencies, 0.99))
    $stdout.flush
  end

  def spread(makers, requests)
    count = [requests / makers.length, 1].max
    return measured(makers.first, count) if makers.length == 1

    makers.map { |request| Thread.new { measured(request, count) } }.flat_map(&:value)
  end

  def measured(request, count)
    Array.new(count) do
      started = now
      request.call
      now - started
    end
  end

  def quantile(sorted, share)
    sorted[(sorted.length * share).floor.clamp(0, sorted.length - 1)] * 1e6
  end

  def now
    Process.clock_gettime(Process::CLOCK_MONOTONIC)
  end
end
