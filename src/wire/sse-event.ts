/** One event of a `text/event-stream`, as the HTML standard dispatches it. */
export interface SseEvent {
  /** The `event:` field; `''` where the stream names none. */
  readonly event: string;
  /** The `data:` lines, joined by line feeds. */
  readonly data: string;
  /** The `id:` field, where the event has one. An event that is changed keeps it: clients resume by it. */
  readonly id?: string;
}

/** The event as bytes of a stream. */
export function serializeSseEvent(event: SseEvent): string {
  const id = event.id === undefined ? '' : `id: ${oneLine(event.id)}\n`;
  const name = event.event === '' ? '' : `event: ${oneLine(event.event)}\n`;
  return `${id}${name}data: ${event.data.replace(/\r\n|\r|\n/g, '\ndata: ')}\n\n`;
}

function oneLine(value: string): string {
  return value.replace(/[\r\n]/g, '');
}
