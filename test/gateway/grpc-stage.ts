import { promisify } from 'node:util'
import type {
  CallOptions,
  ClientDuplexStream,
  handleBidiStreamingCall,
  handleClientStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
  MethodDefinition,
  ServiceDefinition,
} from '@grpc/grpc-js'
import {
  credentials,
  Metadata,
  makeGenericClientConstructor,
  Server,
  ServerCredentials,
  status,
} from '@grpc/grpc-js'

const asIs = (bytes: Buffer): Buffer => bytes

function method(
  path: string,
  requestStream: boolean,
  responseStream: boolean,
): MethodDefinition<Buffer, Buffer> {
  return {
    path: `/satway.test.Echo/${path}`,
    requestStream,
    responseStream,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  }
}

/** Messages are bytes as they are: no schema is needed. */
export const echoService: ServiceDefinition = {
  unary: method('Unary', false, false),
  fail: method('Fail', false, false),
  hang: method('Hang', false, false),
  count: method('Count', false, true),
  endless: method('Endless', false, true),
  collect: method('Collect', true, false),
  talk: method('Talk', true, true),
}

/** What the server saw of a call. */
export type SeenCall = {
  readonly method: string
  readonly metadata: Metadata
  readonly deadline: Date | number
  /** The other end of its connection. */
  readonly peer: string
  isCancelled: boolean
}

export type EchoServer = {
  readonly port: number
  readonly seen: SeenCall[]
  /** Resolves when a call has come, or been cancelled. */
  called(): Promise<void>
  cancelled(): Promise<void>
  /** Bytes of messages that the endless stream has handed over. */
  sentBytes(): number
  /** Unlearns a method. */
  forget(name: string): void
  /** Takes no new calls on its connections, as in a rolling restart. */
  drain(): void
  close(): void
}

/** A gRPC server as an application has it, on a free port or the given one. */
export async function openEchoServer(port = 0): Promise<EchoServer> {
  const server = new Server({ 'grpc.max_receive_message_length': 32 * 1024 * 1024 })
  const seen: SeenCall[] = []
  const whenCalled = Promise.withResolvers<void>()
  const whenCancelled = Promise.withResolvers<void>()
  let sentBytes = 0

  const note = (
    name: string,
    call: {
      readonly metadata: Metadata
      getDeadline(): Date | number
      getPeer(): string
      on(event: 'cancelled', listener: () => void): unknown
    },
  ): void => {
    const entry: SeenCall = {
      method: name,
      metadata: call.metadata,
      deadline: call.getDeadline(),
      peer: call.getPeer(),
      isCancelled: false,
    }
    seen.push(entry)
    whenCalled.resolve()
    call.on('cancelled', () => {
      entry.isCancelled = true
      whenCancelled.resolve()
    })
  }

  const unary: handleUnaryCall<Buffer, Buffer> = (call, callback) => {
    note('unary', call)
    const initial = new Metadata()
    initial.set('x-initial', 'head')
    initial.set('x-bytes-bin', Buffer.of(0, 1, 254, 255))
    call.sendMetadata(initial)
    const trailer = new Metadata()
    trailer.set('x-trailer', 'tail')
    callback(null, call.request, trailer)
  }
  const fail: handleUnaryCall<Buffer, Buffer> = (call, callback) => {
    note('fail', call)
    const metadata = new Metadata()
    metadata.set('x-reason', 'because')
    callback({ code: status.FAILED_PRECONDITION, details: 'not today: 100 %', metadata })
  }
  const hang: handleUnaryCall<Buffer, Buffer> = (call) => {
    note('hang', call)
  }
  const count: handleServerStreamingCall<Buffer, Buffer> = (call) => {
    note('count', call)
    const last = call.request.readUInt32BE()
    for (let i = 0; i < last; i++) call.write(number(i))
    call.end()
  }
  const endless: handleServerStreamingCall<Buffer, Buffer> = (call) => {
    note('endless', call)
    const part = Buffer.alloc(16 * 1024, 1)
    const more = (): void => {
      while (!call.cancelled) {
        sentBytes += part.length
        if (!call.write(part)) return
      }
    }
    call.on('drain', more)
    more()
  }
  const collect: handleClientStreamingCall<Buffer, Buffer> = (call, callback) => {
    note('collect', call)
    let bytes = 0
    call.on('data', (part: Buffer) => {
      bytes += part.length
    })
    call.on('end', () => callback(null, number(bytes)))
    call.on('error', () => undefined)
  }
  const talk: handleBidiStreamingCall<Buffer, Buffer> = (call) => {
    note('talk', call)
    call.on('data', (part: Buffer) => {
      if (part.toString() === 'bye') {
        call.end()
        return
      }
      call.write(part)
    })
    call.on('end', () => call.end())
    call.on('error', () => undefined)
  }

  server.addService(echoService, { unary, fail, hang, count, endless, collect, talk })
  const bind = promisify(server.bindAsync.bind(server))
  const bound = await bind(`127.0.0.1:${port}`, ServerCredentials.createInsecure())
  return {
    port: bound ?? 0,
    seen,
    called: () => whenCalled.promise,
    cancelled: () => whenCancelled.promise,
    sentBytes: () => sentBytes,
    forget: (name) => server.unregister(echoService[name]!.path),
    drain: () => server.drain(`127.0.0.1:${bound}`, 10_000),
    close: () => server.forceShutdown(),
  }
}

/** How a call ended, as the client saw it. */
export type CallEnd = {
  readonly code: status
  readonly details: string
  /** What came with the head. */
  readonly initial: Metadata
  readonly trailers: Metadata
  readonly messages: readonly Buffer[]
}

export type EchoCall = ClientDuplexStream<Buffer, Buffer> & {
  /** Never rejects: an error is an end too. */
  readonly ended: Promise<CallEnd>
}

export type EchoClient = {
  /** Any method: what is sent and received is in the caller's hands. */
  call(name: string, metadata?: Metadata, options?: CallOptions): EchoCall
  /** One message there, whatever comes back. */
  ask(name: string, message: Buffer, options?: CallOptions): Promise<CallEnd>
  close(): void
}

/** A gRPC client as an application has it. */
export function openEchoClient(port: number): EchoClient {
  const Echo = makeGenericClientConstructor(echoService, 'Echo')
  const client = new Echo(`127.0.0.1:${port}`, credentials.createInsecure(), {
    'grpc.max_receive_message_length': 32 * 1024 * 1024,
    'grpc.enable_retries': 0,
  })
  const call: EchoClient['call'] = (name, metadata = new Metadata(), options = {}) => {
    const path = echoService[name]!.path
    return follow(client.makeBidiStreamRequest(path, asIs, asIs, metadata, options))
  }
  return {
    call,
    ask: (name, message, options) => {
      const stream = call(name, undefined, options)
      stream.resume()
      stream.write(message)
      stream.end()
      return stream.ended
    },
    close: () => client.close(),
  }
}

function follow(stream: ClientDuplexStream<Buffer, Buffer>): EchoCall {
  const messages: Buffer[] = []
  let initial = new Metadata()
  stream.on('metadata', (metadata) => {
    initial = metadata
  })
  stream.on('data', (part: Buffer) => messages.push(part))
  // Reading is the caller's to begin.
  stream.pause()
  // The status says the same.
  stream.on('error', () => undefined)
  const ended = new Promise<CallEnd>((resolve) => {
    stream.on('status', ({ code, details, metadata }) => {
      resolve({ code, details, initial, trailers: metadata, messages })
    })
  })
  return Object.assign(stream, { ended })
}

export function number(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
