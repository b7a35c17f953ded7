-- Print the numbers of requests and errors, and the latency in microseconds (p50, p99, maximum), because wrk rounds its
-- own figures.
done = function(summary, latency, requests)
  local e = summary.errors
  local failed = e.connect + e.read + e.write + e.status + e.timeout
  io.write(string.format("report %d %d %d %d %d\n", summary.requests, failed, latency:percentile(50),
    latency:percentile(99), latency.max))
end
