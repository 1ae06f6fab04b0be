/** Whether the model is sent images (OPENAI_VISION). */

/** `auto`: they are sent until the server refuses them; `on`: they are sent, and a refusal is an error; `off`: they are not sent. */
export type VisionMode = 'auto' | 'on' | 'off';

export interface Vision {
  readonly mode: VisionMode;
  isBlind(): boolean;
  /** The server refused a request with images and took the same without them. */
  setBlind(): void;
}

/** What was learnt stays for the lifetime of the process. */
export function createVision(mode: VisionMode, onBlind: () => void = () => undefined): Vision {
  let blind = mode === 'off';
  return {
    mode,
    isBlind: () => blind,
    setBlind() {
      if (!blind) onBlind();
      blind = true;
    },
  };
}
