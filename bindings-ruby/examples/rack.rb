# frozen_string_literal: true

require "json"
require "pigato"

# A Rack application that answers from services: `GET /greet?name` sends "name" to the service `greet`. All threads of a
# server share one client. In a forking server, start it in each process, for example in `on_worker_boot`.
#
#   # config.ru
#   require_relative "rack"
#   run ServiceApp.new(Pigato::Client.new("tcp://127.0.0.1:55555").start)
class ServiceApp
  # Seconds
  TIMEOUT = 5
  STATUS = { Pigato::TimeoutError => 504, Pigato::NoWorkerError => 503, Pigato::RemoteError => 502 }.freeze

  def initialize(client)
    @client = client
  end

  def call(env)
    service = env.fetch("PATH_INFO").delete_prefix("/")
    return answer(404, "error" => "no service is named") if service.empty?

    answer(200, @client.call(service, env["QUERY_STRING"], timeout: TIMEOUT, fail_fast: true))
  rescue Pigato::Error => error
    answer(STATUS.fetch(error.class, 500), "error" => error.message, "code" => error.code)
  end

  private

  def answer(status, value)
    [status, { "content-type" => "application/json" }, [JSON.generate(value)]]
  end
end
