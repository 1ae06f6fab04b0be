/** Where messages are written: Enter sends, a slash lists the commands. */
import type { TargetedClipboardEvent, TargetedInputEvent, TargetedKeyboardEvent } from 'preact';
import { useRef, useState } from 'preact/hooks';
import type { SetupAnswer } from '../schemas.ts';
import { AttachButton, Attached, filesPasted } from './attach.tsx';
import type { Props } from './playground.ts';

type Command = SetupAnswer['commands'][number];

interface Completion {
  /** The whole message, completed. */
  readonly text: string;
  readonly label: string;
  readonly description: string;
}

export function Composer({ playground }: Props) {
  const { state, texts } = playground;
  const commands = state.setup?.commands ?? [];
  const field = useRef<HTMLTextAreaElement>(null);
  const [text, setText] = useState('');
  const [isOpen, setOpen] = useState(false);
  const [chosen, setChosen] = useState(0);
  const completions = isOpen ? completionsOf(text, commands) : [];

  function write(written: string): void {
    setText(written);
    setOpen(true);
    setChosen(0);
    const { length } = completionsOf(written, commands);
    if (length > 0) playground.say(texts.completions(length));
  }

  function send(): void {
    if (text.trim() === '' && playground.attached.length === 0) return;
    setText('');
    setOpen(false);
    playground.send(text.trim());
  }

  function accept(completion: Completion): void {
    write(completion.text);
    field.current?.focus();
  }

  /** Gives whether the key was for the list. */
  function handleKey(key: string): boolean {
    const { length } = completions;
    const completion = completions[chosen];
    if (completion === undefined) return false;
    // What is written out in full is meant to be sent.
    if (key === 'Enter' && completion.text.trim() === text.trim()) return false;
    if (key === 'ArrowDown') setChosen((chosen + 1) % length);
    else if (key === 'ArrowUp') setChosen((chosen + length - 1) % length);
    else if (key === 'Escape') setOpen(false);
    else if (key === 'Tab' || key === 'Enter') accept(completion);
    else return false;
    return true;
  }

  function press(event: TargetedKeyboardEvent<HTMLTextAreaElement>): void {
    // An input method uses Enter for itself.
    if (event.isComposing) return;
    const isSending = event.key === 'Enter' && !event.shiftKey;
    if (handleKey(event.key)) event.preventDefault();
    else if (isSending) {
      event.preventDefault();
      send();
    }
  }

  function paste(event: TargetedClipboardEvent<HTMLTextAreaElement>): void {
    const files = filesPasted(event.clipboardData);
    if (files.length === 0) return;
    event.preventDefault();
    void playground.attach(files);
  }

  return (
    <form
      id="composer"
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <Attached playground={playground} />
      <div class="field">
        <div id="completions" role="listbox" aria-label={texts.commands} hidden={completions.length === 0}>
          {completions.map((completion, index) => (
            <div
              key={completion.text}
              id={`completion-${index}`}
              role="option"
              tabIndex={-1}
              aria-selected={index === chosen}
              // Before the field loses the focus, which would close the list.
              onMouseDown={(event) => {
                event.preventDefault();
                accept(completion);
              }}
            >
              <code>{completion.label}</code> <span>{completion.description}</span>
            </div>
          ))}
        </div>
        <label class="hidden" for="message">
          {texts.message}
        </label>
        <textarea
          ref={field}
          id="message"
          rows={2}
          autocomplete="off"
          aria-autocomplete="list"
          aria-controls="completions"
          aria-describedby="composer-hint"
          aria-activedescendant={completions.length === 0 ? undefined : `completion-${chosen}`}
          value={text}
          onInput={(event: TargetedInputEvent<HTMLTextAreaElement>) => write(event.currentTarget.value)}
          onBlur={() => setOpen(false)}
          onKeyDown={press}
          onPaste={paste}
        />
      </div>
      <div class="buttons">
        <AttachButton playground={playground} />
        <button type="submit" class="primary">
          {texts.send}
        </button>
        {playground.running !== undefined && (
          <button type="button" id="stop" class="danger" onClick={playground.stop}>
            {texts.stop}
          </button>
        )}
      </div>
      <p id="composer-hint" class="hint">
        {texts.composerHint}
      </p>
    </form>
  );
}

/** What could be meant by a beginning: commands, then the values of their options. */
function completionsOf(text: string, commands: readonly Command[]): Completion[] {
  if (!text.startsWith('/') || text.includes('\n')) return [];
  const words = text.split(' ');
  const [name = ''] = words;
  if (words.length === 1) {
    return commands
      .filter((command) => `/${command.name}`.startsWith(name))
      .map((command) => ({ text: `/${command.name} `, label: command.usage, description: command.description }));
  }
  const begun = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const options = commands.find((command) => `/${command.name}` === name)?.options ?? [];
  return options.flatMap(({ values, description }) =>
    values
      .filter((value) => value.startsWith(begun) && !before.includes(value))
      .map((value) => ({ text: [...before, value].join(' '), label: value, description })),
  );
}
