import { Agent, createServer } from 'node:http'
import { createProxyMiddleware } from 'http-proxy-middleware'

// http-proxy-middleware as its README has it, with connections to the upstream that are kept.
const [port, upstream] = process.argv.slice(2)
const proxy = createProxyMiddleware({
  target: `http://127.0.0.1:${upstream}`,
  agent: new Agent({ keepAlive: true }),
})
createServer((request, response) => {
  void proxy(request, response, () => response.end())
}).listen(Number(port), '127.0.0.1')
