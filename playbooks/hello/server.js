// The demo's service: says who answered.
const { createServer } = require('node:http')
const { hostname } = require('node:os')

createServer((request, response) => {
  response.setHeader('content-type', 'application/json')
  response.end(`${JSON.stringify({ node: hostname(), greeting: process.env.GREETING, path: request.url })}\n`)
}).listen(Number(process.env.PORT), '127.0.0.1')
