import { asJsonObject, isJsonObject, type JsonObject } from '../../wire/json.ts';
import { list, text } from '../payload.ts';
import type { Part } from './content.ts';
import { addressPart, blobPart, filePart, otherPart, reasoningPart, refusalPart, textPart } from './parts.ts';

/** Content as OpenAI's APIs have it: a text, or a list of parts. */
export function contentParts(content: unknown): Part[] {
  if (typeof content === 'string') return content === '' ? [] : [textPart(content)];
  return list(content)
    .flatMap((part) => {
      if (typeof part === 'string') return textPart(part);
      return isJsonObject(part) ? contentPart(part) : [];
    })
    .filter((part) => part.content !== '');
}

/** What a tool gave back: a text as it is, anything else as parts, of which some are screenshots. */
export function toolOutput(content: unknown): unknown {
  if (Array.isArray(content)) return contentParts(content);
  return isJsonObject(content) ? contentPart(content) : content;
}

const reasoningTypes: ReadonlySet<unknown> = new Set(['reasoning_text', 'summary_text']);

function contentPart(part: JsonObject): Part {
  if (typeof part.text === 'string')
    return reasoningTypes.has(part.type) ? reasoningPart(part.text) : textPart(part.text);
  if (typeof part.refusal === 'string') return refusalPart(part.refusal);
  // Of what was spoken.
  if (typeof part.transcript === 'string') return textPart(part.transcript);
  if (part.thinking !== undefined) return reasoningPart(thinkingText(part.thinking));
  return mediaPart(part);
}

/** Mistral's reasoning models put a list of texts here. */
function thinkingText(thinking: unknown): string {
  if (typeof thinking === 'string') return thinking;
  return list(thinking)
    .map((piece) => (typeof piece === 'string' ? piece : (text(asJsonObject(piece)?.text) ?? '')))
    .join('');
}

/** Chat has details in an object named as the type, responses has them beside it. */
function mediaPart(part: JsonObject): Part {
  switch (part.type) {
    case 'image_url':
    case 'input_image':
      if (part.file_id !== undefined) return filePart('image', part.file_id);
      return addressPart('image', asJsonObject(part.image_url)?.url ?? part.image_url);
    case 'video_url':
      return addressPart('video', asJsonObject(part.video_url)?.url ?? part.video_url);
    case 'input_audio': {
      const audio = asJsonObject(part.input_audio);
      return blobPart('audio', audioType(audio?.format), audio?.data ?? part.audio);
    }
    case 'file':
    case 'input_file': {
      const file = asJsonObject(part.file) ?? part;
      if (file.file_id !== undefined) return filePart('document', file.file_id);
      return addressPart('document', file.file_data ?? file.file_url);
    }
    default:
      return otherPart(part);
  }
}

function audioType(format: unknown): string | undefined {
  const name = text(format);
  return name === undefined ? undefined : `audio/${name}`;
}
