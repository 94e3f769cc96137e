// A small app on Slack's own Bolt. bolt_test.go plays the people; this prints one JSON line per thing
// that happened, and ends when its standard input does.
import bolt from '@slack/bolt';

const { App, LogLevel } = bolt;
const say = (what, more = {}) => process.stdout.write(JSON.stringify({ what, ...more }) + '\n');

const app = new App({
  token: process.env.BOT_TOKEN,
  appToken: process.env.APP_TOKEN,
  socketMode: true,
  logLevel: LogLevel.ERROR,
  clientOptions: { slackApiUrl: process.env.SLACK_API_URL, retryConfig: { retries: 0 } },
});

const text = (t) => ({ type: 'plain_text', text: t });
const form = {
  type: 'modal',
  callback_id: 'log_signal',
  title: text('Log expansion signal'),
  submit: text('Save'),
  blocks: [
    { type: 'input', block_id: 'b_account', label: text('Account'), element: { type: 'external_select', action_id: 'account', min_query_length: 1 } },
    { type: 'input', block_id: 'b_what', label: text('What happened?'), element: { type: 'plain_text_input', action_id: 'what' } },
  ],
};

app.command('/expansion', async ({ command, ack, client }) => {
  if (command.text !== 'log') {
    await ack(`You said ${command.text}`);
    return;
  }
  await client.views.open({ trigger_id: command.trigger_id, view: form });
  await ack();
});

app.options('account', async ({ options, ack }) => {
  await ack({ options: [{ text: text(`Found ${options.value}`), value: 'A1' }] });
});

app.view('log_signal', async ({ ack, view }) => {
  const { values } = view.state;
  const what = values.b_what.what.value;
  if (what.length < 10) {
    await ack({ response_action: 'errors', errors: { b_what: 'Say what happened in at least 10 characters.' } });
    return;
  }
  await ack();
  say('submitted', { message: what, account: values.b_account.account.selected_option.value });
});

app.action('r_ack', async ({ ack, action, respond }) => {
  await ack();
  await respond({ replace_original: true, text: `Acknowledged ${action.value}` });
  say('responded');
});

app.event('app_home_opened', async ({ event, client }) => {
  await client.views.publish({ user_id: event.user, view: { type: 'home', blocks: [{ type: 'header', text: text('Your queue') }] } });
  say('home');
});

app.message('card', async ({ message, client }) => {
  const posted = await client.chat.postMessage({
    channel: message.channel,
    text: 'Card',
    blocks: [{ type: 'actions', elements: [{ type: 'button', action_id: 'r_ack', value: 'R-311:2', text: text('Acknowledge') }] }],
    metadata: { event_type: 'expansion_card', event_payload: { key: 'k1' } },
  });
  say('posted', { ts: posted.ts });
});

app.message('upload', async ({ message, client }) => {
  await client.filesUploadV2({ channel_id: message.channel, filename: 'chart.csv', file: Buffer.from('a,b\n1,2\n'), title: 'Chart' });
  say('uploaded');
});

app.message('mistake', async ({ message, client }) => {
  try {
    await client.chat.postMessage({ channel: message.channel, text: 'x', blocks: [{ type: 'header', text: text('x'.repeat(151)) }] });
    say('accepted');
  } catch (err) {
    say('refused', { error: err.data?.error, messages: err.data?.response_metadata?.messages });
  }
});

app.error(async (err) => say('error', { message: String(err) }));

process.stdin.resume();
process.stdin.on('end', async () => {
  await app.stop();
  process.exit(0);
});

await app.start();
const me = await app.client.auth.test();
say('ready', { bot: me.user_id });
