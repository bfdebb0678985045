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

// What was compiled once need not be again: a seventh of a short run. What lies there is run, so it is
// only in the user's own folder as the system knows it, whatever the environment says, and only if
// nobody else can write to it.
function rememberCompiled() {
  if (process.env.SATWAY_HOME) return
  try {
    const part = process.getBuiltinModule
    const { lstatSync, mkdirSync } = part('node:fs')
    const isOwn = (folder) => {
      const found = lstatSync(folder)
      return found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o77) === 0
    }
    const home = `${part('node:os').userInfo().homedir}/.satway`
    if (!isOwn(home)) return
    const cache = `${home}/cache`
    mkdirSync(cache, { recursive: true, mode: 0o700 })
    if (isOwn(cache)) part('node:module').enableCompileCache(cache)
  } catch {
    // There is no such folder yet.
  }
}
