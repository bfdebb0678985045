import type { Command } from './command.ts'

/** Flags of every command that lists. */
export const listingFlags: Command['flags'] = {
  limit: { value: 'COUNT', about: 'The latest so many. Default 50 for people, all in JSON.' },
  json: { about: 'Write one JSON document, also to a terminal. A pipe gets JSON anyway.' },
  ndjson: { about: 'Write one line of JSON for each.' },
}
