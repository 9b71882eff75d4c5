# frozen_string_literal: true

require "json"

# The load of each client: N requests, spread over threads, after N / 10 that are not measured.
module Load
  Thread.report_on_exception = false

  BODY = "aaa"

  module_function

  # Makes the requests by blocks, one of which `maker` returns for each thread, and prints the figures.
  def run(requests, threads, &maker)
    makers = Array.new(threads, &maker)
    tell(requests) { |count| spread(makers, count) }
  end

  # Makes the requests from one thread, a window of concurrent ones: `make` makes one, and the block waits for it.
  def run_window(requests, window, make, &finish)
    tell(requests) { |count| windowed(count, window, make, finish) }
  end

  # Measures the requests and prints the figures.
  def tell(requests)
    yield [requests / 10, 1].max
    started = now
    latencies = yield requests
    took = now - started
    latencies.sort!
    quantiles = { p50: 0.5, p90: 0.9, p99: 0.99, p999: 0.999 }
    figures = quantiles.to_h { |name, share| ["#{name}_microseconds", quantile(latencies, share)] }
    puts JSON.generate(requests_per_second: latencies.length / took, **figures)
    $stdout.flush
  end

  def windowed(count, window, make, finish)
    under_way = []
    made = 0
    Array.new(count) do
      while made < count && under_way.length < window
        under_way << [now, make.call]
        made += 1
      end
      started, future = under_way.shift
      finish.call(future)
      now - started
    end
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
