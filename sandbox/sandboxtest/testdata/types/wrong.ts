// Payloads Slack would refuse. Each must be an error, so a check that lets all pass fails.
import type { HomeView, KnownBlock, ModalView } from "@slack/types";

// @ts-expect-error a button needs a text
export const noText: KnownBlock[] = [{ type: "actions", elements: [{ type: "button", action_id: "ho_ack" }] }];
// @ts-expect-error a header is plain text
export const boldHeader: KnownBlock[] = [{ type: "header", text: { type: "mrkdwn", text: "*Brightwater*" } }];
// @ts-expect-error there is no field "colour"
export const colour: KnownBlock[] = [{ type: "section", text: { type: "mrkdwn", text: "x" }, colour: "red" }];
// @ts-expect-error there is no such style
export const style: KnownBlock[] = [{ type: "actions", elements: [{ type: "button", style: "loud", text: { type: "plain_text", text: "x" } }] }];
// @ts-expect-error a modal needs a title
export const untitled: ModalView = { type: "modal", blocks: [] };
// @ts-expect-error a Home has no submit
export const submit: HomeView = { type: "home", blocks: [], submit: { type: "plain_text", text: "x" } };
