import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.avro.AvroRemoteException;
import org.apache.avro.Protocol;
import org.apache.avro.generic.GenericContainer;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.ipc.HttpTransceiver;
import org.apache.avro.ipc.generic.GenericRequestor;

/**
 * Calls a server by Avro's own Java implementation. Arguments: URL, protocol's file. Each line of standard input is a
 * message's name, a space, and its parameters as Avro's JSON; each line of standard output is what came of it, as JSON.
 */
public final class CallIndex {
  public static void main(String[] arguments) throws Exception {
    Protocol protocol = Protocol.parse(Files.readString(Path.of(arguments[1])));
    GenericRequestor requestor = new GenericRequestor(protocol, new HttpTransceiver(new URL(arguments[0])));
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    java.io.PrintStream out = new java.io.PrintStream(System.out, true, StandardCharsets.UTF_8);
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      int space = line.indexOf(' ');
      Protocol.Message message = protocol.getMessages().get(line.substring(0, space));
      Object parameters = new GenericDatumReader<Object>(message.getRequest())
          .read(null, DecoderFactory.get().jsonDecoder(message.getRequest(), line.substring(space + 1)));
      try {
        out.println("{\"answer\": " + GenericData.get().toString(requestor.request(message.getName(), parameters)) + "}");
      } catch (AvroRemoteException error) {
        Object value = error.getValue();
        String name = value instanceof GenericContainer ? ((GenericContainer) value).getSchema().getName() : "";
        String said = value instanceof GenericContainer ? value.toString() : GenericData.get().toString(value);
        out.println("{\"error\": \"" + name + "\", \"value\": " + said + "}");
      }
    }
  }
}
