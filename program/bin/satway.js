#!/usr/bin/env node
// Plain JavaScript that old versions of Node can read, so that they get a sentence and no stack.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 24 || (major === 24 && minor < 11)) {
  process.stderr.write(
    `satway needs Node 24.11 or newer; this is ${process.version}.\n` +
      'In a checkout of the repository, `npx satway` brings its own Node.\n',
  )
  process.exit(1)
}
rememberCompiled()
import('../bundle/main.js').catch((error) => {
  if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error
  process.stderr.write('satway is not built yet. Run `npm run build` in the repository first.\n')
  process.exit(1)
})

// What was compiled once need not be again: a seventh of a short run. Only in the user's own folder,
// and only if nobody else can write to it, because what lies there is run.
function rememberCompiled() {
  try {
    const part = process.getBuiltinModule
    const home = process.env.SATWAY_HOME || `${part('node:os').homedir()}/.satway`
    const found = part('node:fs').lstatSync(home)
    if (!found.isDirectory() || found.uid !== process.getuid?.() || (found.mode & 0o77) !== 0)
      return
    part('node:module').enableCompileCache(`${home}/cache`)
  } catch {
    // There is no such folder yet.
  }
}
