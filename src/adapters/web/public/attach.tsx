/** Files that go with a message: chosen by a button, pasted or dropped; shown where the message is written, and in the conversation. */
import type { TargetedDragEvent } from 'preact';
import { useRef } from 'preact/hooks';
import type { PageFile } from './files.ts';
import { bytes } from './format.ts';
import type { Playground, Props } from './playground.ts';

export function AttachButton({ playground }: Props) {
  const { texts } = playground;
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <input
        ref={input}
        id="files"
        type="file"
        multiple
        hidden
        onChange={({ currentTarget }) => {
          void playground.attach([...(currentTarget.files ?? [])]);
          // So that the same file can be chosen again after it was removed.
          currentTarget.value = '';
          document.getElementById('message')?.focus();
        }}
      />
      <button
        type="button"
        id="attach"
        aria-label={texts.attach}
        title={texts.attach}
        onClick={() => input.current?.click()}
      >
        <svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true">
          <path d="M8 12.5l6.5-6.5a3 3 0 0 1 4.2 4.2l-8.6 8.6a5 5 0 0 1-7.1-7.1L11 4" />
        </svg>
      </button>
    </>
  );
}

/** What goes with the next message: new files, and earlier ones that are sent again. */
export function Attached({ playground }: Props) {
  const { attached, sentAgain, texts } = playground;
  if (attached.length + sentAgain.length === 0) return null;
  return (
    <div class="attached">
      <ul class="files" aria-label={texts.attached}>
        {sentAgain.map((file) => (
          <Chip key={file.id} playground={playground} file={file} isEarlier />
        ))}
        {attached.map((file) => (
          <Chip key={file.id} playground={playground} file={file} />
        ))}
      </ul>
      {sentAgain.length > 0 && <p class="hint">{texts.sentAgainHint}</p>}
    </div>
  );
}

interface ChipProps extends Props {
  readonly file: PageFile;
  readonly isEarlier?: boolean;
}

function Chip({ playground, file, isEarlier = false }: ChipProps) {
  const { state, texts } = playground;
  return (
    <li class={isEarlier ? 'file earlier' : 'file'}>
      {file.url !== undefined && <img src={file.url} alt="" />}
      <span class="name">{file.name}</span>
      <span class="hint">{isEarlier ? texts.sentAgain : bytes(file.size, state.locale)}</span>
      <button
        type="button"
        class="quiet"
        aria-label={texts.removeFile(file.name)}
        title={texts.removeFile(file.name)}
        onClick={() => {
          playground.removeFile(file.id);
          // The button that was pressed goes, and the focus with it.
          document.getElementById('attach')?.focus();
        }}
      >
        ×
      </button>
    </li>
  );
}

/** The files of a message in the conversation; thumbnails as long as the page has them. */
export function SentFiles({
  playground,
  turn,
  names,
}: Props & { readonly turn: string; readonly names: readonly string[] }) {
  const here = playground.filesOf(turn);
  return (
    <ul class="files" aria-label={playground.texts.files}>
      {names.map((name, index) => {
        const url = here.find((file) => file.name === name)?.url;
        return (
          <li key={index} class="file">
            {url !== undefined && <img src={url} alt="" />}
            <span class="name">{name}</span>
          </li>
        );
      })}
    </ul>
  );
}

/** What a paste brings, unless it is text: programs put a picture of a text beside it. */
export function filesPasted(data: DataTransfer | null): File[] {
  return data === null || data.types.includes('text/plain') ? [] : [...data.files];
}

/** The whole page takes files; beside a target, the browser would leave the page and open them. */
export function dropTarget(playground: Playground) {
  const hasFiles = ({ dataTransfer }: TargetedDragEvent<HTMLElement>) => dataTransfer?.types.includes('Files') === true;
  return {
    onDragOver(event: TargetedDragEvent<HTMLElement>) {
      if (hasFiles(event)) event.preventDefault();
    },
    onDrop(event: TargetedDragEvent<HTMLElement>) {
      if (!hasFiles(event)) return;
      event.preventDefault();
      void playground.attach([...(event.dataTransfer?.files ?? [])]);
    },
  };
}
