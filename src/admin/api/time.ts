/*
 * What is in this room: what the admin plane answers, the contract between its routes and whoever reads them, the
 * console first. Types alone, without anything of Node, since a browser reads them too. What is not known is absent.
 */

/** ISO 8601, UTC. */
export type Time = string;
