/** The private answer to a command: its text, its buttons, its files. */
import type { PrivateAnswer as Answer } from '../schemas.ts';
import { Markdown } from './markdown.tsx';
import type { Texts } from './texts.ts';

export interface PrivateAnswerProps {
  readonly answer: Answer;
  readonly texts: Texts;
  /** Called with the id of a pressed button. */
  readonly press: (id: string) => void;
}

export function PrivateAnswer({ answer: { text, actions, files }, texts, press }: PrivateAnswerProps) {
  return (
    <>
      <div class="text">
        <Markdown text={text} texts={texts} />
      </div>
      {actions.length + files.length > 0 && (
        <p class="row">
          {actions.map(({ label, style, id }) => (
            <button key={id} type="button" class={style} onClick={() => press(id)}>
              {label}
            </button>
          ))}
          {files.map((file) => (
            <button key={file.name} type="button" onClick={() => download(file)}>
              ⤓ {file.name}
            </button>
          ))}
        </p>
      )}
    </>
  );
}

function download({ name, media_type, content }: Answer['files'][number]): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([content], { type: media_type }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
