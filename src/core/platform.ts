/** What the rest of the bot knows about a platform. Each adapter's folder has one descriptor; src/app/platforms.ts lists them. */
export interface PlatformDescriptor {
  /** As in session ids: lower-case letters and digits. */
  readonly id: string;
  /** Display name. */
  readonly name: string;
  /** Settings that enable it, for the startup banner. None: it is always enabled, and listed unless `hidden`. */
  readonly settings: readonly string[];
  /** Not listed in the startup banner. */
  readonly hidden?: true;
  /**
   * How people address the bot outside of DMs, for /help. `mention`: by a mention; `any`: every message is for the bot; `api`: by
   * requests of programs.
   */
  readonly addressing: 'mention' | 'any' | 'api';
  /** The platform authenticates its users. Otherwise nobody there can be an administrator. */
  readonly verifiesUsers: boolean;
  /** `platform`: a user has the same id in all workspaces; `workspace`: user ids are unique within a workspace only. */
  readonly userIds: 'platform' | 'workspace';
}
