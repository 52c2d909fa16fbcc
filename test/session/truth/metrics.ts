import assert from 'node:assert/strict';
import { defaultLimits } from '../../../src/limits.ts';
import { type Page, total } from '../../telemetry/prometheus-text.ts';
import type { Played } from './stage.ts';
import type { TurnTruth } from './turns.ts';

/** The metrics of a service that has done nothing else, against the sum of all turns. */
export function checkMetrics(page: Page, sessions: readonly Played[], turns: readonly TurnTruth[]): void {
  const sum = (of: (turn: TurnTruth) => number, among = turns) =>
    among.reduce((all, turn) => all + of(turn), 0);
  for (const model of new Set(turns.map((turn) => turn.model))) {
    const labels = { gen_ai_request_model: model };
    const mine = turns.filter((turn) => turn.model === model);
    for (const kind of ['input', 'output'] as const) {
      const told = total(page, 'gen_ai_client_token_usage_sum', { ...labels, gen_ai_token_type: kind });
      const wanted = sum(({ tokens }) => tokens[kind] ?? 0, mine);
      assert.equal(told, wanted, `${model}: ${kind} tokens`);
    }
    const first = total(page, 'gen_ai_client_operation_time_to_first_chunk_seconds_count', labels);
    assert.equal(
      first,
      sum(({ outputs }) => Math.min(1, outputs), mine),
      `${model}: first outputs`,
    );
    const gaps = total(page, 'gen_ai_client_operation_time_per_output_chunk_seconds_count', labels);
    const wantedGaps = sum(
      ({ outputs }) => Math.min(Math.max(0, outputs - 1), defaultLimits.chunkGapsMax),
      mine,
    );
    assert.equal(gaps, wantedGaps, `${model}: times between outputs`);
    const begun = mine.filter(({ hasBegun }) => hasBegun).length;
    const durations = total(page, 'gen_ai_client_operation_duration_seconds_count', labels);
    assert.ok(durations >= begun, `${model}: durations under its name`);
  }
  for (const outcome of new Set(turns.map((turn) => turn.outcome))) {
    const wanted = turns.filter((turn) => turn.outcome === outcome).length;
    const labels = { sightline_outcome: outcome };
    assert.equal(total(page, 'sightline_exchange_outcomes_total', labels), wanted, `${outcome} turns`);
    const durations = total(page, 'gen_ai_client_operation_duration_seconds_count', labels);
    assert.equal(durations, wanted, `durations of ${outcome} turns`);
  }
  assert.equal(total(page, 'sightline_exchange_outcomes_total'), turns.length, 'turns, and nothing else');
  for (const outcome of new Set(sessions.map(({ session }) => session))) {
    const wanted = sessions.filter(({ session }) => session === outcome).length;
    const labels = { sightline_outcome: outcome };
    const told =
      total(page, 'sightline_session_duration_seconds_count', labels) +
      total(page, 'sightline_session_refused_total', labels);
    assert.equal(told, wanted, `${outcome} sessions`);
  }
  assert.equal(total(page, 'sightline_session_active'), 0, 'no session is open');
}
