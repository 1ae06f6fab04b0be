/** An error response of Discord: an HTTP status and Discord's own code. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: number;
  constructor(status: number, code: number, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export const errors = {
  unauthorized: () => new ApiError(401, 0, '401: Unauthorized'),
  noAccess: () => new ApiError(403, 50_001, 'Missing Access'),
  unknownChannel: () => new ApiError(404, 10_003, 'Unknown Channel'),
  unknownMessage: () => new ApiError(404, 10_008, 'Unknown Message'),
  unknownInteraction: () => new ApiError(404, 10_062, 'Unknown interaction'),
  unknownWebhook: () => new ApiError(404, 10_015, 'Unknown Webhook'),
  invalidToken: () => new ApiError(401, 50_027, 'Invalid Webhook Token'),
  acknowledged: () => new ApiError(400, 40_060, 'Interaction has already been acknowledged.'),
  empty: () => new ApiError(400, 50_006, 'Cannot send an empty message'),
  notOurs: () => new ApiError(403, 50_005, 'Cannot edit a message authored by another user'),
  followUps: () => new ApiError(400, 40_094, 'This interaction has reached its maximum number of follow up messages'),
  entryPoint: () =>
    new ApiError(400, 50_240, 'You cannot remove this app’s Entry Point command in a bulk update operation.'),
  invalidForm: (detail: string) => new ApiError(400, 50_035, `Invalid Form Body: ${detail}`),
  noRoute: () => new ApiError(404, 0, '404: Not Found'),
} as const;
