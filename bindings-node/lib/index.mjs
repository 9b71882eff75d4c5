import pigato from './index.js';

export const { Broker, Worker, Client, services, PigatoError, constants, libzmqVersion } = pigato;
export default pigato;
