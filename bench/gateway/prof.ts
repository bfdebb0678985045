import { openStage } from './servers.ts'
import { configureGateway, command, paidAuthorization } from './gateway.ts'
import { start, subjectCpu, usageOf } from './machine.ts'
import { runWrk } from './load.ts'
const stage = await openStage()
const files = await configureGateway(stage)
const r = stage.keep(await start(subjectCpu, [process.execPath, '--cpu-prof', '--cpu-prof-dir=/tmp/prof', command, 'gateway', '--config', files.config], files.port))
const headers = { Authorization: paidAuthorization() }
const url = `http://127.0.0.1:${files.port}/small`
await runWrk({ url, headers, connections: 50, seconds: 2 })
const b = usageOf(r.pid)
const rep = await runWrk({ url, headers, connections: 50, seconds: 4 })
const a = usageOf(r.pid)
console.log(rep.perSecond, ((a.cpuMs - b.cpuMs) * 1000) / rep.requests)
await stage.close()
