import { createServer } from 'node:http'

// Answers with a stream that never ends: 256 bytes every quarter of a second.
const [port] = process.argv.slice(2)
const part = 'z'.repeat(256)
createServer((request, response) => {
  if (request.url !== '/slow') {
    response.end('x'.repeat(512))
    return
  }
  response.writeHead(200, { 'content-type': 'application/octet-stream' })
  const timer = setInterval(() => response.write(part), 250)
  response.once('close', () => clearInterval(timer))
}).listen(Number(port), '127.0.0.1')
