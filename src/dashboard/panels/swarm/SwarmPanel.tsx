export const SwarmPanel = () => <p>Swarm</p>;
