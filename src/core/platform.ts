/** What the rest of the bot knows about a platform. Each adapter's folder has one descriptor; src/app/platforms.ts lists them. */
export interface PlatformDescriptor {
  /** As in session ids: lower-case letters and digits. */
  readonly id: string;
  /** As people write it. */
  readonly name: string;
  /** Settings that switch it on, for the startup banner; none: it is always on, and `name` is listed unless `hidden`. */
  readonly settings: readonly string[];
  /** Not listed in the startup banner. */
  readonly hidden?: true;
  /**
   * How people talk to the bot outside a DM, for /help. `mention`: they mention it; `any`: all messages are for the bot;
   * `api`: requests of programs.
   */
  readonly addressing: 'mention' | 'any' | 'api';
  /** The platform vouches for its users' ids. Without that nobody there is an administrator. */
  readonly verifiesUsers: boolean;
  /** `platform`: a user has the same id in all workspaces; `workspace`: an id counts in its workspace only. */
  readonly userIds: 'platform' | 'workspace';
}
