import { asJsonObject, isJsonObject, type JsonObject } from '../../wire/json.ts';
import { list, text } from '../payload.ts';
import type { Part } from './content.ts';
import {
  addressPart,
  blobPart,
  filePart,
  otherPart,
  reasoningPart,
  serverToolCallPart,
  textPart,
  toolCallPart,
  toolResponsePart,
} from './parts.ts';

/** Content as Anthropic's API has it: a text, or a list of blocks. */
export function anthropicParts(content: unknown): Part[] {
  if (typeof content === 'string') return content === '' ? [] : [textPart(content)];
  return list(content).filter(isJsonObject).map(anthropicPart);
}

/** A block of a query or of a reply. Signatures and what is encrypted say nothing to anybody, and stay away. */
export function anthropicPart(block: JsonObject): Part {
  const { type } = block;
  if (type === 'text' && typeof block.text === 'string') return textPart(block.text);
  if (type === 'thinking' && typeof block.thinking === 'string') return reasoningPart(block.thinking);
  if (type === 'tool_use') return toolCallPart(text(block.id), text(block.name), block.input);
  if (type === 'server_tool_use' || type === 'mcp_tool_use') {
    const name = text(block.name) ?? '';
    return serverToolCallPart(text(block.id), name, { type: name, input: block.input });
  }
  if (type === 'tool_result') {
    const { content } = block;
    return toolResponsePart(
      text(block.tool_use_id),
      typeof content === 'string' ? content : anthropicParts(content),
    );
  }
  if (typeof type === 'string' && type.endsWith('_tool_result')) {
    const id = text(block.tool_use_id);
    return { type: 'server_tool_call_response', id, server_tool_call_response: { type } };
  }
  if (type === 'image') return sourcePart('image', asJsonObject(block.source));
  if (type === 'document') return sourcePart('document', asJsonObject(block.source));
  return otherPart(block);
}

function sourcePart(modality: 'image' | 'document', source: JsonObject | undefined): Part {
  switch (source?.type) {
    case 'url':
      return addressPart(modality, source.url);
    case 'file':
      return filePart(modality, source.file_id);
    // A document that is plain text is read by the model like any other.
    case 'text':
      return textPart(text(source.data) ?? '');
    case 'content':
      return { type: 'document', content: anthropicParts(source.content) };
    default:
      return blobPart(modality, text(source?.media_type), source?.data);
  }
}
