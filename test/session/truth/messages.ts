/** Messages of clients of a realtime session. */

export const ask = (event_id: string, response: object = {}) => ({
  type: 'response.create',
  event_id,
  response,
});

export const says = (text: string) => ({
  type: 'conversation.item.create',
  item: { type: 'message', role: 'user', content: [{ type: 'input_text', text }] },
});

/** A second of audio, which the simulator takes for somebody who has finished speaking. */
export const second = {
  type: 'input_audio_buffer.append',
  audio: Buffer.alloc(48_000, 1).toString('base64'),
};

/** A response that runs beside the conversation. */
export const aside = { conversation: 'none', output_modalities: ['text'], input: [says('Aside.').item] };
