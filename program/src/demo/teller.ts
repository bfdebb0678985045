import type { Screen } from '../cli/screen.ts'
import type { DemoEvent } from './events.ts'
import { formatEvent } from './events.ts'
import { renderEvent, renderScrollHint } from './story.ts'

export type Tell = (event: DemoEvent) => void

/** Tells events to a person, or to a program, one JSON document a line. */
export function createTeller(screen: Screen, asJson: boolean): Tell {
  if (asJson) return (event) => screen.write(`${formatEvent(event)}\n`)
  let height = 0
  let hinted = false
  return (event) => {
    const text = renderEvent(screen, event)
    height += text.split('\n').length - 1
    screen.write(text)
    // Here it comes to rest, and only the end of the story is to be seen.
    const rests = event.event === 'ready' || event.event === 'done'
    if (!rests || hinted || screen.rows === undefined || height < screen.rows) return
    hinted = true
    screen.write(renderScrollHint(screen))
  }
}
